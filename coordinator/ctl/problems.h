#pragma once
// Everything that is wrong with what somebody wants to submit, so that it is corrected in one go
// and not one try a mistake.

#include <cstddef>
#include <string>
#include <vector>

#include "common/result.h"

namespace pirouette::ctl {

// A screenful: of more mistakes than that, most have one cause.
inline constexpr std::size_t kProblemsNamed = 50;

class Problems {
 public:
  // place: "manifest.csv:3:2(reference)", "knight.png".
  void add(const std::string& place, const std::string& what);
  bool none() const { return count_ == 0; }
  Error error() const;  // invalid, a line each; call it only where there are any

 private:
  std::vector<std::string> named_;
  std::size_t count_ = 0;
};

}  // namespace pirouette::ctl
