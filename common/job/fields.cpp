// See fields.h. nlohmann-json's own messages quote raw bytes, so ours say the place instead.

#include "common/job/fields.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "common/job/names.h"

namespace pirouette::job {
namespace {

using nlohmann::json;

constexpr std::size_t kQuotedMaxBytes = 40;  // enough to recognise a value by

Error invalid(std::string what) { return Error{Errc::invalid, std::move(what)}; }

// "line 3, column 17" of a byte offset that counts from 1.
std::string place(std::string_view text, std::size_t byte) {
  const std::string_view before = text.substr(0, std::min(text.size(), byte > 0 ? byte - 1 : 0));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(lines + 1) + ", column " +
         std::to_string(before.size() - line_start + 1);
}

// Builds the value in one pass, and refuses what the parser would accept but we do not: fields
// given twice and deep nesting. Returning false ends the pass.
class Reader : public nlohmann::json_sax<json> {
 public:
  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t& value) override { return put(std::move(value)); }
  bool start_object(std::size_t) override { return enter(json::object()); }
  bool start_array(std::size_t) override { return enter(json::array()); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }

  bool key(string_t& name) override {
    const auto [at, is_new] = open_.back()->get_ref<json::object_t&>().try_emplace(name);
    field_ = &at->second;
    if (!is_new) wrong = "gives the field " + in_quotes(name) + " twice";
    return is_new;
  }

  bool parse_error(std::size_t byte, const std::string&, const json::exception& error) override {
    const bool overflow = dynamic_cast<const json::out_of_range*>(&error) != nullptr;
    wrong = overflow ? "has a number that is too large" : "is not JSON in UTF-8";
    wrong_at = byte;
    return false;
  }

  json value;
  std::string wrong;  // empty: nothing
  std::size_t wrong_at = 0;

 private:
  json& place_of_next() {
    if (open_.empty()) return value;
    if (open_.back()->is_object()) return *field_;
    return open_.back()->emplace_back();
  }
  bool put(json&& next) {
    place_of_next() = std::move(next);
    return true;
  }
  bool enter(json&& empty) {
    json& next = place_of_next();
    next = std::move(empty);
    open_.push_back(&next);
    if (open_.size() <= kJsonMaxDepth) return true;
    wrong = "is nested deeper than " + std::to_string(kJsonMaxDepth) + " levels";
    return false;
  }
  bool leave() {
    open_.pop_back();
    return true;
  }

  std::vector<json*> open_;  // what holds what, the innermost last; it grows at its end only
  json* field_ = nullptr;    // of the innermost, an object: named, and without its value so far
};

std::string printed(double value) {
  std::string text = json(value).dump();
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

// What stands in the field, for a complaint.
std::string shown(const json& value) {
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  return value.dump();
}

}  // namespace

void Complaints::add(const std::string& path, const std::string& what) {
  ++count_;
  if (named_.size() < kComplaintsNamed) named_.push_back(path.empty() ? what : path + " " + what);
}

Error Complaints::error() const {
  PIROUETTE_CHECK(!none());
  std::string what;
  for (const std::string& one : named_) what += (what.empty() ? "" : "; ") + one;
  if (count_ > named_.size()) {
    what += "; and " + std::to_string(count_ - named_.size()) + " more mistakes";
  }
  return invalid(what);
}

Result<json> parse_json(std::string_view text, std::size_t limit_bytes) {
  if (text.size() > limit_bytes) {
    return invalid("is " + std::to_string(text.size()) + " bytes; at most " +
                   std::to_string(limit_bytes) + " are accepted");
  }
  Reader reader;
  if (!json::sax_parse(text, &reader)) {
    const std::string at = reader.wrong_at > 0 ? ": see " + place(text, reader.wrong_at) : "";
    return invalid(reader.wrong + at);
  }
  return std::move(reader.value);
}

std::string in_quotes(std::string_view text) {
  std::string_view start = text.substr(0, kQuotedMaxBytes);
  // Not in the middle of a character: UTF-8 continues with bytes 10xxxxxx.
  const auto continues = [&] {
    return (static_cast<unsigned char>(text[start.size()]) & 0xC0u) == 0x80u;
  };
  while (start.size() < text.size() && !start.empty() && continues()) start.remove_suffix(1);
  std::string out = "\"";
  for (const char c : start) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return out + (start.size() < text.size() ? "…\"" : "\"");
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

Fields::Fields(const json& object, std::string path, Complaints& complaints)
    : object_(object),
      path_(std::move(path)),
      complaints_(complaints),
      is_object_(object.is_object()) {
  if (!is_object_) complaints_.add(path_, "must be an object of fields, not " + shown(object));
}

std::string Fields::path(std::string_view field) const {
  return path_.empty() ? std::string(field) : path_ + "." + std::string(field);
}

void Fields::complain(std::string_view field, const std::string& what) {
  complaints_.add(path(field), what);
}

const json* Fields::find(std::string_view field, Need need) {
  taken_.push_back(field);
  if (!is_object_) return nullptr;
  const auto found = object_.find(field);
  if (found != object_.end()) return &*found;
  if (need == Need::required) complain(field, "is missing");
  return nullptr;
}

void Fields::text(std::string_view field, std::string& out, std::size_t max_bytes, Need need) {
  const json* value = find(field, need);
  if (value == nullptr) return;
  if (!value->is_string()) return complain(field, "must be a text, not " + shown(*value));
  const auto& text = value->get_ref<const std::string&>();
  if (text.size() > max_bytes) {
    return complain(field, "is " + std::to_string(text.size()) + " bytes long; at most " +
                               std::to_string(max_bytes) + " are accepted");
  }
  if (has_control_characters(text)) return complain(field, "has control characters in it");
  if (text.empty() && need == Need::required) return complain(field, "must not be empty");
  out = text;
}

void Fields::name(std::string_view field, std::string& out, std::string_view also, Need need) {
  constexpr std::size_t kMaxBytes = 200;  // a file's name with an ending fits in 255 bytes
  const json* value = find(field, need);
  if (value == nullptr) return;
  const auto allowed = [also](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           also.find(c) != std::string_view::npos;
  };
  const std::string text = value->is_string() ? value->get<std::string>() : "";
  if (text.empty() || text.size() > kMaxBytes || !std::all_of(text.begin(), text.end(), allowed)) {
    std::string characters = "letters, digits";
    for (const char c : also) characters += std::string(" ") + c;
    return complain(field, "must be a name of 1 to " + std::to_string(kMaxBytes) +
                               " characters of " + characters + ", not " + shown(*value));
  }
  out = text;
}

void Fields::whole(std::string_view field, int& out, int low, int high, int multiple_of,
                   Need need) {
  const json* value = find(field, need);
  if (value == nullptr) return;
  // get<double>() holds any 64-bit integer well enough to see that it is out of range.
  if (!value->is_number_integer() || value->get<double>() < low || value->get<double>() > high ||
      value->get<int>() % multiple_of != 0) {
    const std::string kind =
        multiple_of == 1 ? "a whole number" : "a multiple of " + std::to_string(multiple_of);
    return complain(field, "must be " + kind + " from " + std::to_string(low) + " to " +
                               std::to_string(high) + ", not " + shown(*value));
  }
  out = value->get<int>();
}

void Fields::number(std::string_view field, double& out, double low, double high) {
  const json* value = find(field);
  if (value == nullptr) return;
  if (!value->is_number() || !(value->get<double>() >= low && value->get<double>() <= high)) {
    return complain(field, "must be a number from " + printed(low) + " to " + printed(high) +
                               ", not " + shown(*value));
  }
  out = value->get<double>();
}

void Fields::flag(std::string_view field, bool& out) {
  const json* value = find(field);
  if (value == nullptr) return;
  if (!value->is_boolean()) return complain(field, "must be true or false, not " + shown(*value));
  out = value->get<bool>();
}

bool Fields::seed(std::string_view field, std::uint64_t& out) {
  const json* value = find(field);
  if (value == nullptr || value->is_null()) return false;
  if (!value->is_number_unsigned() || value->get<std::uint64_t>() > INT64_MAX) {
    complain(field, "must be a whole number from 0 to 9223372036854775807, not " + shown(*value));
    return false;
  }
  out = value->get<std::uint64_t>();
  return true;
}

void Fields::choice(std::string_view field, std::string& out,
                    const std::vector<std::string>& allowed) {
  const json* value = find(field);
  if (value == nullptr) return;
  const std::string text = value->is_string() ? value->get<std::string>() : "";
  if (std::find(allowed.begin(), allowed.end(), text) == allowed.end()) {
    return complain(field, "must be one of " + listed(allowed) + ", not " + shown(*value));
  }
  out = text;
}

const json* Fields::array(std::string_view field, std::size_t low, std::size_t high, Need need) {
  const json* value = find(field, need);
  if (value == nullptr) return nullptr;
  if (!value->is_array() || value->size() < low || value->size() > high) {
    const std::string found =
        value->is_array() ? std::to_string(value->size()) + " elements" : shown(*value);
    complain(field, "must be an array of " + std::to_string(low) + " to " + std::to_string(high) +
                        " elements, not " + found);
    return nullptr;
  }
  return value;
}

void Fields::finish() {
  if (!is_object_) return;
  for (const auto& [field, value] : object_.items()) {
    if (std::ranges::find(taken_, field) != taken_.end()) continue;
    const std::set<std::string> allowed(taken_.begin(), taken_.end());
    complaints_.add(path_, "has the unknown field " + in_quotes(field) +
                               " (allowed: " + listed({allowed.begin(), allowed.end()}) + ")");
  }
}

}  // namespace pirouette::job
