#pragma once
// CLIP's tokenizer: byte-level BPE on lower-cased, NFC-composed words, with "</w>" at each word's
// end. Gives what transformers' CLIPTokenizer gives. Immutable once loaded; any thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/result.h"

namespace pirouette::flux {

// The text encoder's position table (openai/CLIP, context_length).
inline constexpr std::size_t kClipTokens = 77;

class ClipTokenizer {
 public:
  // A folder with vocab.json and merges.txt, and tokenizer_config.json where the special tokens are
  // not CLIP's own. not_found, or corrupt naming the file.
  static Result<ClipTokenizer> load(const std::filesystem::path& folder);

  // kClipTokens ids: start, at most 75 of the text, end, padding. A special token written out in
  // the text is that token.
  std::vector<std::int64_t> encode(std::string_view text) const;

  // The first of these ids is where the encoder pools.
  std::int64_t end_id() const { return end_.id; }

 private:
  struct Special {
    std::string text;
    std::int64_t id = 0;
  };
  struct Merge {
    int rank = 0;  // the lowest is merged first
    int into = 0;  // id
  };

  ClipTokenizer() = default;
  Result<void> read_vocabulary(const std::filesystem::path& path);
  Result<void> read_merges(const std::filesystem::path& path);
  Result<void> read_config(const std::filesystem::path& path);
  void encode_plain(std::string_view text, std::vector<std::int64_t>& ids) const;
  void encode_word(std::string_view word, std::vector<std::int64_t>& ids) const;
  const Merge* find_merge(std::int64_t left, std::int64_t right) const;

  std::unordered_map<std::string, std::int64_t> vocabulary_;
  std::unordered_map<std::uint64_t, Merge> merges_;  // by left id << 32 | right id
  Special start_, end_, pad_, unknown_;
};

}  // namespace pirouette::flux
