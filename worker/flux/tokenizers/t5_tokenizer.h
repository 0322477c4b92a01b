#pragma once
// T5's tokenizer: the most probable cut of the normalised text into the pieces of a unigram model
// (Viterbi), as sentencepiece does it. Special tokens written out in the text ("</s>", "<pad>") are
// those tokens, as in transformers' T5TokenizerFast. Immutable once loaded; any thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/result.h"
#include "worker/flux/tokenizers/spiece_model.h"

namespace pirouette::flux {

class T5Tokenizer {
 public:
  // A folder with spiece.model, and tokenizer_config.json where there are more special tokens than
  // the model's own. not_found, or corrupt naming the file.
  static Result<T5Tokenizer> load(const std::filesystem::path& folder);

  // The text's ids and the end token; no padding, any length.
  std::vector<std::int64_t> tokenize(std::string_view text) const;

  // Exactly length ids: tokenize() cut to length, the end token last, then padding.
  std::vector<std::int64_t> encode(std::string_view text, std::size_t length) const;

 private:
  T5Tokenizer() = default;
  Result<void> index_pieces();
  Result<void> find_own_tokens();
  Result<void> read_config(const std::filesystem::path& path);
  // The special token that comes first in text, the longest of those that start there.
  struct Special {
    std::size_t at = 0;
    std::size_t bytes = 0;  // 0 for none
    std::int64_t id = 0;
  };
  Special find_special(std::string_view text) const;
  void encode_plain(std::string_view text, std::vector<std::int64_t>& ids) const;
  // The best way to cut the text up to some byte: its last piece and what it is worth in all.
  struct Cut {
    std::int64_t id = 0;
    std::size_t from = std::string_view::npos;  // where the last piece starts; npos: no way yet
    float score = 0;
  };
  std::vector<Cut> find_best_cuts(std::string_view whole) const;  // by byte, 0 to whole.size()

  SpieceModel model_;
  std::vector<std::int64_t> sorted_;  // ids of what text is cut into, by their bytes
  std::vector<std::pair<std::string, std::int64_t>> specials_;
  std::vector<std::int64_t> byte_ids_;  // 256 where unknown text is spelled in bytes, else none
  double user_defined_bonus_ = 0;       // a byte of a user-defined piece
  float unknown_score_ = 0;
  std::int64_t unknown_id_ = 0, end_id_ = 0, pad_id_ = 0;
};

}  // namespace pirouette::flux
