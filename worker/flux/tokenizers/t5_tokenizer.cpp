#include "worker/flux/tokenizers/t5_tokenizer.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>

#include "common/files.h"
#include "worker/flux/tokenizers/unicode.h"

namespace pirouette::flux {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

constexpr std::size_t kConfigMaxBytes = 4 << 20;

// An unknown character scores this much below the worst piece (sentencepiece, unigram_model.cc).
constexpr float kUnknownPenalty = 10.0f;

// T5's sentinels <extra_id_0> … where the folder does not say how many (transformers' default).
constexpr int kExtraIds = 100;
// More than any vocabulary of the family; keeps a broken file from filling memory.
constexpr int kExtraIdsMax = 10'000;

// The byte of piece at depth, or -1 past its end, which sorts first.
int byte_at(const Piece& piece, std::size_t depth) {
  return depth < piece.text.size() ? static_cast<unsigned char>(piece.text[depth]) : -1;
}

// The pieces that start with text[0, depth), as a range of the sorted ids that narrows by a byte.
class Narrowing {
 public:
  Narrowing(const std::vector<Piece>& pieces, std::span<const std::int64_t> ids)
      : pieces_(pieces), ids_(ids) {}

  // The next byte of the text. False once no piece goes on with it.
  bool go(char next) {
    const int byte = static_cast<unsigned char>(next);
    const auto at = [&](std::int64_t id) {
      return byte_at(pieces_[static_cast<std::size_t>(id)], depth_);
    };
    const auto from = std::partition_point(ids_.begin(), ids_.end(),
                                           [&](std::int64_t id) { return at(id) < byte; });
    const auto to =
        std::partition_point(from, ids_.end(), [&](std::int64_t id) { return at(id) == byte; });
    ids_ = std::span(from, to);
    ++depth_;
    return !ids_.empty();
  }

  // The piece that is exactly the text so far.
  std::optional<std::int64_t> whole() const {
    const bool ends = byte_at(pieces_[static_cast<std::size_t>(ids_.front())], depth_) == -1;
    return ends ? std::optional(ids_.front()) : std::nullopt;
  }

 private:
  const std::vector<Piece>& pieces_;
  std::span<const std::int64_t> ids_;
  std::size_t depth_ = 0;
};

}  // namespace

Result<T5Tokenizer> T5Tokenizer::load(const fs::path& folder) {
  T5Tokenizer tokenizer;
  tokenizer.model_ = TRY(SpieceModel::load(folder / "spiece.model"));
  Result<void> indexed = tokenizer.index_pieces();
  if (indexed.ok()) indexed = tokenizer.find_own_tokens();
  if (!indexed.ok()) return std::move(indexed).error().with((folder / "spiece.model").string());
  TRY(tokenizer.read_config(folder / "tokenizer_config.json"));
  return tokenizer;
}

Result<void> T5Tokenizer::index_pieces() {
  const std::vector<Piece>& pieces = model_.pieces;
  float least = std::numeric_limits<float>::max();
  float most = std::numeric_limits<float>::min();  // as the reference starts: just above 0
  for (std::size_t id = 0; id < pieces.size(); ++id) {
    const Piece& piece = pieces[id];
    if (piece.kind == PieceKind::normal) {
      least = std::min(least, piece.score);
      most = std::max(most, piece.score);
    }
    if (piece.kind == PieceKind::normal || piece.kind == PieceKind::user_defined) {
      sorted_.push_back(static_cast<std::int64_t>(id));
    }
  }
  const auto text = [&](std::int64_t id) -> const std::string& {
    return pieces[static_cast<std::size_t>(id)].text;
  };
  std::sort(sorted_.begin(), sorted_.end(),
            [&](std::int64_t a, std::int64_t b) { return text(a) < text(b); });
  const auto twice =
      std::adjacent_find(sorted_.begin(), sorted_.end(),
                         [&](std::int64_t a, std::int64_t b) { return text(a) == text(b); });
  if (twice != sorted_.end()) {
    return Error{Errc::corrupt, "the piece \"" + text(*twice) + "\" is there twice"};
  }
  user_defined_bonus_ = most;
  unknown_score_ = least - kUnknownPenalty;
  return {};
}

Result<void> T5Tokenizer::find_own_tokens() {
  std::optional<std::int64_t> unknown, end, pad;
  std::vector<std::int64_t> bytes(256, -1);
  for (std::size_t i = 0; i < model_.pieces.size(); ++i) {
    const Piece& piece = model_.pieces[i];
    const auto id = static_cast<std::int64_t>(i);
    if (piece.kind == PieceKind::unknown) unknown = id;
    if (piece.kind == PieceKind::control && piece.text == "</s>") end = id;
    if (piece.kind == PieceKind::control && piece.text == "<pad>") pad = id;
    if (piece.kind == PieceKind::unknown || piece.kind == PieceKind::control) {
      specials_.emplace_back(piece.text, id);
    }
    unsigned byte = 0;
    if (piece.kind == PieceKind::byte && std::sscanf(piece.text.c_str(), "<0x%2X>", &byte) == 1) {
      bytes[byte & 0xFF] = id;
    }
  }
  if (!unknown || !end || !pad) {
    return Error{Errc::corrupt, "it lacks one of the tokens <unk>, </s> and <pad>"};
  }
  unknown_id_ = *unknown;
  end_id_ = *end;
  pad_id_ = *pad;
  if (model_.byte_fallback) {
    if (std::find(bytes.begin(), bytes.end(), -1) != bytes.end()) {
      return Error{Errc::corrupt, "it spells unknown text in bytes and lacks some of the 256"};
    }
    byte_ids_ = std::move(bytes);
  }
  return {};
}

Result<void> T5Tokenizer::read_config(const fs::path& path) {
  json config = json::object();
  const auto bytes = read_file(path, kConfigMaxBytes);
  if (bytes.ok()) {
    config = json::parse(bytes.value(), nullptr, false);
    if (!config.is_object()) return Error{Errc::corrupt, path.string() + " holds no JSON object"};
  } else if (bytes.error().code != Errc::not_found) {
    return bytes.error();
  }
  if (const auto added = config.find("added_tokens_decoder");
      added != config.end() && added->is_object()) {
    for (const auto& [key, token] : added->items()) {
      int id = -1;
      const bool numbered = std::sscanf(key.c_str(), "%9d", &id) == 1 && id >= 0;
      const bool named = token.is_object() && token.contains("content") &&
                         token["content"].is_string() && token["content"] != "";
      if (!numbered || !named) {
        return Error{Errc::corrupt,
                     path.string() + ": added_tokens_decoder has a broken row \"" + key + "\""};
      }
      specials_.emplace_back(token["content"].get<std::string>(), id);
    }
    return {};
  }
  int extra = kExtraIds;
  if (const auto count = config.find("extra_ids"); count != config.end()) {
    if (!count->is_number_unsigned() || count->get<std::uint64_t>() > kExtraIdsMax) {
      return Error{Errc::corrupt, path.string() + ": extra_ids is no small number"};
    }
    extra = count->get<int>();
  }
  for (int i = 0; i < extra; ++i) {  // the first is the last of the vocabulary
    specials_.emplace_back("<extra_id_" + std::to_string(i) + ">",
                           static_cast<std::int64_t>(model_.pieces.size()) + extra - 1 - i);
  }
  return {};
}

T5Tokenizer::Special T5Tokenizer::find_special(std::string_view text) const {
  for (std::size_t at = 0; at < text.size(); ++at) {
    Special longest{at, 0, 0};
    for (const auto& [token, id] : specials_) {
      if (token.size() > longest.bytes && text.substr(at).starts_with(token)) {
        longest = {at, token.size(), id};
      }
    }
    if (longest.bytes > 0) return longest;
  }
  return {text.size(), 0, 0};
}

std::vector<std::int64_t> T5Tokenizer::tokenize(std::string_view text) const {
  std::vector<std::int64_t> ids;
  while (!text.empty()) {
    const Special special = find_special(text);
    encode_plain(text.substr(0, special.at), ids);
    if (special.bytes > 0) ids.push_back(special.id);
    text.remove_prefix(special.at + special.bytes);
  }
  ids.push_back(end_id_);
  return ids;
}

std::vector<std::int64_t> T5Tokenizer::encode(std::string_view text, std::size_t length) const {
  PIROUETTE_CHECK(length > 0);
  std::vector<std::int64_t> ids = tokenize(text);
  if (ids.size() > length) {
    ids.resize(length);
    ids.back() = end_id_;
  }
  ids.resize(length, pad_id_);
  return ids;
}

std::vector<T5Tokenizer::Cut> T5Tokenizer::find_best_cuts(std::string_view whole) const {
  std::vector<Cut> cuts(whole.size() + 1);
  cuts[0].from = 0;
  const auto offer = [&cuts](std::size_t from, std::size_t to, double score, std::int64_t id) {
    const double sum = score + static_cast<double>(cuts[from].score);
    if (cuts[to].from == std::string_view::npos || sum > static_cast<double>(cuts[to].score)) {
      cuts[to] = {id, from, static_cast<float>(sum)};
    }
  };
  for (std::size_t from = 0; from < whole.size();) {
    const std::size_t character = first_code_point(whole.substr(from)).bytes;
    bool is_known = false;  // a piece is exactly this character
    Narrowing narrowing(model_.pieces, sorted_);
    for (std::size_t to = from + 1; to <= whole.size() && narrowing.go(whole[to - 1]); ++to) {
      const std::optional<std::int64_t> id = narrowing.whole();
      if (!id) continue;
      const Piece& piece = model_.pieces[static_cast<std::size_t>(*id)];
      const auto length = static_cast<double>(to - from);
      offer(from, to,
            piece.kind == PieceKind::user_defined ? length * user_defined_bonus_ - 0.1
                                                  : static_cast<double>(piece.score),
            *id);
      is_known |= to - from == character;
    }
    if (!is_known) {
      offer(from, from + character, static_cast<double>(unknown_score_), unknown_id_);
    }
    from += character;
  }
  return cuts;
}

void T5Tokenizer::encode_plain(std::string_view text, std::vector<std::int64_t>& ids) const {
  const std::string whole = model_.normalizer.normalize(text);
  const std::vector<Cut> cuts = find_best_cuts(whole);
  std::vector<std::size_t> ends;
  for (std::size_t to = whole.size(); to > 0; to = cuts[to].from) ends.push_back(to);
  bool after_unknown = false;
  for (auto to = ends.rbegin(); to != ends.rend(); ++to) {
    const Cut& cut = cuts[*to];
    const bool is_unknown = cut.id == unknown_id_;
    if (is_unknown && !byte_ids_.empty()) {
      for (std::size_t i = cut.from; i < *to; ++i) {
        ids.push_back(byte_ids_[static_cast<unsigned char>(whole[i])]);
      }
    } else if (!is_unknown || !after_unknown) {  // a run of unknown text is one token
      ids.push_back(cut.id);
    }
    after_unknown = is_unknown;
  }
}

}  // namespace pirouette::flux
