#pragma once
// Reading JSON that somebody else wrote, field by field. Nothing stops at the first mistake: every
// field that is missing, wrong or unknown becomes a complaint that says what is allowed, and all
// complaints make one Error. What complaints quote is cut short and is valid UTF-8, so the message
// can travel in JSON again. For common/job, for the API's bodies and for batches in files.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace pirouette::job {

// Deeper than anything that is asked for (batch > sheets > sheet > field is 4).
inline constexpr std::size_t kJsonMaxDepth = 16;
// An error names this many complaints and counts the others.
inline constexpr std::size_t kComplaintsNamed = 20;

class Complaints {
 public:
  // path: "recipe.loras[0].scale"; "" for the whole.
  void add(const std::string& path, const std::string& what);
  bool none() const { return count_ == 0; }
  Error error() const;  // invalid; call it only where there are any

 private:
  std::vector<std::string> named_;
  std::size_t count_ = 0;
};

// Bytes from outside as a JSON value. invalid: longer than limit, not JSON, not UTF-8, a field
// given twice, nested deeper than kJsonMaxDepth, a number that does not fit.
Result<nlohmann::json> parse_json(std::string_view text, std::size_t limit_bytes);

// The text in quotes, cut to a few words.
std::string in_quotes(std::string_view text);
// "a, b, c"
std::string listed(const std::vector<std::string>& words);

// The fields of one JSON object. Each read takes a field: an absent one leaves the output as it is,
// unless it is required; a wrong one is complained about. finish() complains about fields that
// nobody took. The object must outlive this, and so must the fields' names.
class Fields {
 public:
  enum class Need { optional, required };

  Fields(const nlohmann::json& object, std::string path, Complaints& complaints);

  void text(std::string_view field, std::string& out, std::size_t max_bytes,
            Need need = Need::optional);
  // Letters, digits and the characters of also; not empty.
  void name(std::string_view field, std::string& out, std::string_view also, Need need);
  void whole(std::string_view field, int& out, int low, int high, int multiple_of = 1,
             Need need = Need::optional);
  void number(std::string_view field, double& out, double low, double high);
  void flag(std::string_view field, bool& out);           // true or false
  bool seed(std::string_view field, std::uint64_t& out);  // 0 to 2^63 - 1; whether it is there
  void choice(std::string_view field, std::string& out, const std::vector<std::string>& allowed);
  // The value itself, or null; it counts as taken.
  const nlohmann::json* find(std::string_view field, Need need = Need::optional);
  // The same, where it is an array of low to high elements; null (and a complaint) otherwise.
  const nlohmann::json* array(std::string_view field, std::size_t low, std::size_t high,
                              Need need = Need::optional);
  void finish();

  std::string path(std::string_view field) const;
  void complain(std::string_view field, const std::string& what);

 private:
  const nlohmann::json& object_;
  std::string path_;
  Complaints& complaints_;
  bool is_object_;
  std::vector<std::string_view> taken_;
};

}  // namespace pirouette::job
