#include "worker/flux/tokenizers/clip_tokenizer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>

#include "common/files.h"
#include "worker/flux/tokenizers/unicode.h"

namespace pirouette::flux {
namespace fs = std::filesystem;
using nlohmann::json;
namespace {

// CLIP's vocab.json is 1 MB and its merges.txt half of that.
constexpr std::size_t kFileMaxBytes = 64 << 20;

constexpr std::string_view kWordEnd = "</w>";

Result<std::string> read_text(const fs::path& path) {
  const auto bytes = TRY(read_file(path, kFileMaxBytes));
  return std::string(bytes.begin(), bytes.end());
}

Error broken(const fs::path& path, const std::string& what) {
  return {Errc::corrupt, path.string() + " is not a tokenizer's file: " + what};
}

// GPT-2's printable stand-in for each byte (openai/gpt-2, encoder.py, bytes_to_unicode): itself
// where Latin-1 prints it, else the next from U+0100 on.
std::array<std::string, 256> make_byte_letters() {
  std::array<std::string, 256> letters;
  char32_t next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool prints = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
    append_utf8(letters[byte], prints ? byte : next++);
  }
  return letters;
}

const std::string& letter_of(char byte) {
  static const std::array<std::string, 256> letters = make_byte_letters();
  return letters[static_cast<unsigned char>(byte)];
}

// How long the word at the start of text is, as CLIP's pattern cuts it:
// 's|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+ ; 0 at white space.
std::size_t word_length(std::u32string_view text) {
  for (const std::u32string_view ending : {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"}) {
    if (text.starts_with(ending)) return ending.size();
  }
  const auto run = [&](auto belongs) {
    const auto end = std::find_if_not(text.begin(), text.end(), belongs);
    return static_cast<std::size_t>(end - text.begin());
  };
  if (is_letter(text[0])) return run(is_letter);
  if (is_number(text[0])) return 1;
  return run([](char32_t c) { return !is_space(c) && !is_letter(c) && !is_number(c); });
}

std::uint64_t pair_key(std::int64_t left, std::int64_t right) {
  return static_cast<std::uint64_t>(left) << 32 | static_cast<std::uint64_t>(right);
}

// A special token in tokenizer_config.json: its text, or an object that holds it.
std::string special_text(const json& config, const char* name, std::string fallback) {
  const auto found = config.find(name);
  if (found == config.end()) return fallback;
  if (found->is_string()) return found->get<std::string>();
  if (found->is_object() && found->contains("content") && (*found)["content"].is_string()) {
    return (*found)["content"].get<std::string>();
  }
  return fallback;
}

}  // namespace

Result<ClipTokenizer> ClipTokenizer::load(const fs::path& folder) {
  ClipTokenizer tokenizer;
  TRY(tokenizer.read_vocabulary(folder / "vocab.json"));
  TRY(tokenizer.read_merges(folder / "merges.txt"));
  TRY(tokenizer.read_config(folder / "tokenizer_config.json"));
  return tokenizer;
}

Result<void> ClipTokenizer::read_vocabulary(const fs::path& path) {
  const json table = json::parse(TRY(read_text(path)), nullptr, false);
  if (!table.is_object()) return broken(path, "it holds no JSON object of tokens");
  for (const auto& [token, id] : table.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > INT32_MAX) {
      return broken(path, "the id of \"" + token + "\" is no small number");
    }
    vocabulary_.emplace(token, id.get<std::int64_t>());
  }
  return {};
}

Result<void> ClipTokenizer::read_merges(const fs::path& path) {
  const std::string text = TRY(read_text(path));
  int rank = 0;
  int line_number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line(text.data() + begin, end - begin);
    begin = end + 1;
    ++line_number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || (line_number == 1 && line.starts_with("#version"))) continue;
    const std::size_t space = line.find(' ');
    if (space == line.npos) return broken(path, "line " + std::to_string(line_number));
    const std::string left(line.substr(0, space));
    const std::string right(line.substr(space + 1));
    const auto a = vocabulary_.find(left);
    const auto b = vocabulary_.find(right);
    const auto into = vocabulary_.find(left + right);
    if (a == vocabulary_.end() || b == vocabulary_.end() || into == vocabulary_.end()) {
      return broken(path, "line " + std::to_string(line_number) +
                              " merges what vocab.json beside it does not have");
    }
    merges_.emplace(pair_key(a->second, b->second), Merge{rank++, static_cast<int>(into->second)});
  }
  return {};
}

Result<void> ClipTokenizer::read_config(const fs::path& path) {
  json config = json::object();
  Result<std::string> text = read_text(path);
  if (text.ok()) {
    config = json::parse(text.value(), nullptr, false);
    if (!config.is_object()) return broken(path, "it holds no JSON object");
  } else if (text.error().code != Errc::not_found) {
    return std::move(text).error();
  }
  start_.text = special_text(config, "bos_token", "<|startoftext|>");
  end_.text = special_text(config, "eos_token", "<|endoftext|>");
  pad_.text = special_text(config, "pad_token", end_.text);
  unknown_.text = special_text(config, "unk_token", end_.text);
  for (Special* special : {&start_, &end_, &pad_, &unknown_}) {
    const auto found = vocabulary_.find(special->text);
    if (found == vocabulary_.end() || special->text.empty()) {
      return broken(path.parent_path() / "vocab.json",
                    "it lacks the special token \"" + special->text + "\"");
    }
    special->id = found->second;
  }
  return {};
}

std::vector<std::int64_t> ClipTokenizer::encode(std::string_view text) const {
  std::vector<std::int64_t> ids{start_.id};
  while (!text.empty() && ids.size() < kClipTokens) {
    // The special token that comes first in the text, if any.
    std::size_t at = text.size();
    const Special* next = nullptr;
    for (const Special* special : {&start_, &end_, &pad_, &unknown_}) {
      const std::size_t found = text.find(special->text);
      if (found < at) {
        at = found;
        next = special;
      }
    }
    encode_plain(text.substr(0, at), ids);
    if (next) ids.push_back(next->id);
    text.remove_prefix(next ? at + next->text.size() : at);
  }
  if (ids.size() >= kClipTokens) ids.erase(ids.begin() + (kClipTokens - 1), ids.end());
  ids.push_back(end_.id);
  ids.resize(kClipTokens, pad_.id);
  return ids;
}

void ClipTokenizer::encode_plain(std::string_view text, std::vector<std::int64_t>& ids) const {
  const std::u32string lower = lower_case(compose(text));
  std::string word;
  for (std::u32string_view rest = lower; !rest.empty() && ids.size() < kClipTokens;) {
    const std::size_t length = word_length(rest);
    word.clear();
    for (const char32_t c : rest.substr(0, length)) append_utf8(word, c);
    if (!word.empty()) encode_word(word, ids);
    rest.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

const ClipTokenizer::Merge* ClipTokenizer::find_merge(std::int64_t left, std::int64_t right) const {
  const auto found = merges_.find(pair_key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

void ClipTokenizer::encode_word(std::string_view word, std::vector<std::int64_t>& ids) const {
  std::vector<std::int64_t> symbols;
  for (std::size_t i = 0; i < word.size(); ++i) {
    std::string symbol = letter_of(word[i]);
    if (i + 1 == word.size()) symbol += kWordEnd;
    const auto found = vocabulary_.find(symbol);
    symbols.push_back(found == vocabulary_.end() ? unknown_.id : found->second);
  }
  // ranks[i] is that of merging symbol i with its right neighbour. Only a merge's two neighbours
  // change, so a long word costs a linear scan a merge, not a table look-up a pair.
  constexpr int kNone = std::numeric_limits<int>::max();
  const auto rank_at = [&](std::size_t i) {
    const Merge* merge = find_merge(symbols[i], symbols[i + 1]);
    return merge ? merge->rank : kNone;
  };
  std::vector<int> ranks;
  for (std::size_t i = 0; i + 1 < symbols.size(); ++i) ranks.push_back(rank_at(i));
  while (!ranks.empty()) {
    const auto best = std::min_element(ranks.begin(), ranks.end());  // the leftmost of equals
    if (*best == kNone) break;
    const auto i = best - ranks.begin();
    const auto at = static_cast<std::size_t>(i);
    symbols[at] = find_merge(symbols[at], symbols[at + 1])->into;
    symbols.erase(symbols.begin() + i + 1);
    ranks.erase(ranks.begin() + i);
    if (at > 0) ranks[at - 1] = rank_at(at - 1);
    if (at < ranks.size()) ranks[at] = rank_at(at);
  }
  ids.insert(ids.end(), symbols.begin(), symbols.end());
}

}  // namespace pirouette::flux
