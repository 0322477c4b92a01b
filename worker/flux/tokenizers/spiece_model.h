#pragma once
// A sentencepiece model file (spiece.model): the pieces of a unigram vocabulary and how text is
// normalised before it is cut. Only what it says; t5_tokenizer applies it. Immutable; any thread.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "worker/flux/tokenizers/double_array.h"

namespace pirouette::flux {

enum class PieceKind { normal, unknown, control, user_defined, unused, byte };

struct Piece {
  std::string text;
  float score = 0;
  PieceKind kind = PieceKind::normal;
};

// How sentencepiece prepares text (its src/normalizer.cc): a table of replacements (the
// "precompiled charsmap": longest match first), then white space.
struct Normalizer {
  DoubleArray replacements;      // key -> where its replacement starts in replacement_text
  std::string replacement_text;  // each ends with a zero byte
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;

  // text as the vocabulary spells it, a space as U+2581 where the model escapes them.
  std::string normalize(std::string_view text) const;

 private:
  struct Step {
    std::string_view replacement;
    std::size_t bytes = 0;  // of the text that it replaces
  };
  Step next(std::string_view text) const;
};

struct SpieceModel {
  std::vector<Piece> pieces;  // by id
  Normalizer normalizer;
  bool byte_fallback = false;

  // not_found; corrupt: no unigram model, a piece without text, a broken table.
  static Result<SpieceModel> load(const std::filesystem::path& path);
};

}  // namespace pirouette::flux
