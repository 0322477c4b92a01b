#include "worker/flux/tokenizers/spiece_model.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "common/files.h"
#include "spiece.pb.h"
#include "worker/flux/tokenizers/unicode.h"

namespace pirouette::flux {
namespace {

// T5's model has 32,000 pieces in 800 KB; mT5's 250,000 in 4 MB.
constexpr std::size_t kFileMaxBytes = 64 << 20;

constexpr std::string_view kSpace = "\xE2\x96\x81";   // U+2581
constexpr std::string_view kBroken = "\xEF\xBF\xBD";  // U+FFFD

static_assert(std::endian::native == std::endian::little, "the table is read as it lies");

PieceKind kind_of(spiece::Model::Piece::Type type) {
  switch (type) {
    case spiece::Model::Piece::NORMAL:
      return PieceKind::normal;
    case spiece::Model::Piece::UNKNOWN:
      return PieceKind::unknown;
    case spiece::Model::Piece::CONTROL:
      return PieceKind::control;
    case spiece::Model::Piece::USER_DEFINED:
      return PieceKind::user_defined;
    case spiece::Model::Piece::UNUSED:
      return PieceKind::unused;
    case spiece::Model::Piece::BYTE:
      return PieceKind::byte;
  }
  return PieceKind::unused;
}

// The table's layout: 4 bytes little-endian length of the trie, the trie, the replacements.
Result<void> read_charsmap(const std::string& blob, Normalizer& normalizer) {
  if (blob.empty()) return {};
  std::uint32_t trie_bytes = 0;
  if (blob.size() > sizeof trie_bytes) std::memcpy(&trie_bytes, blob.data(), sizeof trie_bytes);
  if (trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes > blob.size() - sizeof trie_bytes) {
    return Error{Errc::corrupt, "its table of replacements is broken"};
  }
  std::vector<std::uint32_t> units(trie_bytes / 4);
  std::memcpy(units.data(), blob.data() + sizeof trie_bytes, trie_bytes);
  normalizer.replacements = DoubleArray(std::move(units));
  normalizer.replacement_text = blob.substr(sizeof trie_bytes + trie_bytes);
  return {};
}

Result<std::vector<Piece>> read_pieces(const spiece::Model& model) {
  std::vector<Piece> pieces;
  for (const auto& piece : model.pieces()) {
    if (piece.piece().empty() || !std::isfinite(piece.score())) {
      return Error{Errc::corrupt,
                   "piece " + std::to_string(pieces.size()) + " has no text or no finite score"};
    }
    pieces.push_back({piece.piece(), piece.score(), kind_of(piece.type())});
  }
  if (pieces.empty()) return Error{Errc::corrupt, "it holds no pieces"};
  return pieces;
}

Result<SpieceModel> read_model(const std::vector<std::uint8_t>& bytes) {
  spiece::Model proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Error{Errc::corrupt, "it is no protobuf"};
  }
  if (proto.trainer().kind() != spiece::Model::Trainer::UNIGRAM) {
    return Error{Errc::corrupt, "it is no unigram model"};
  }
  if (proto.trainer().treat_whitespace_as_suffix()) {
    return Error{Errc::corrupt, "it puts white space after words, which T5 does not"};
  }
  SpieceModel model;
  model.pieces = TRY(read_pieces(proto));
  model.byte_fallback = proto.trainer().byte_fallback();
  TRY(read_charsmap(proto.normalizer().precompiled_charsmap(), model.normalizer));
  model.normalizer.add_dummy_prefix = proto.normalizer().add_dummy_prefix();
  model.normalizer.remove_extra_whitespaces = proto.normalizer().remove_extra_whitespaces();
  model.normalizer.escape_whitespaces = proto.normalizer().escape_whitespaces();
  return model;
}

}  // namespace

Result<SpieceModel> SpieceModel::load(const std::filesystem::path& path) {
  Result<SpieceModel> model = read_model(TRY(read_file(path, kFileMaxBytes)));
  if (!model.ok()) {
    return std::move(model).error().with(path.string() + " is not a usable sentencepiece model");
  }
  return model;
}

Normalizer::Step Normalizer::next(std::string_view text) const {
  const DoubleArray::Match match = replacements.longest_prefix(text);
  if (match.length > 0) {
    if (match.value >= replacement_text.size()) return {{}, match.length};
    // The string's own zero byte ends the last one, whatever the file holds.
    return {std::string_view(replacement_text.c_str() + match.value), match.length};
  }
  const CodePoint point = first_code_point(text);
  if (point.value == kReplacement && point.bytes == 1) return {kBroken, 1};
  return {text.substr(0, point.bytes), point.bytes};
}

std::string Normalizer::normalize(std::string_view text) const {
  const std::string_view space = escape_whitespaces ? kSpace : std::string_view(" ");
  while (remove_extra_whitespaces && !text.empty()) {
    const Step step = next(text);
    if (step.replacement != " ") break;
    text.remove_prefix(step.bytes);
  }
  std::string out;
  if (text.empty()) return out;
  if (add_dummy_prefix) out += space;
  for (bool after_space = remove_extra_whitespaces; !text.empty();) {
    Step step = next(text);
    text.remove_prefix(step.bytes);
    while (after_space && step.replacement.starts_with(' ')) step.replacement.remove_prefix(1);
    for (const char c : step.replacement) {
      if (c == ' ') {
        out += space;
      } else {
        out += c;
      }
    }
    if (!step.replacement.empty()) after_space = step.replacement.ends_with(' ');
    if (!remove_extra_whitespaces) after_space = false;
  }
  while (remove_extra_whitespaces && out.ends_with(space)) out.erase(out.size() - space.size());
  return out;
}

}  // namespace pirouette::flux
