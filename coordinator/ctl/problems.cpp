#include "coordinator/ctl/problems.h"

#include "coordinator/ctl/format.h"

namespace pirouette::ctl {

void Problems::add(const std::string& place, const std::string& what) {
  ++count_;
  if (named_.size() < kProblemsNamed) named_.push_back(printable(place + ": " + what));
}

Error Problems::error() const {
  PIROUETTE_CHECK(!none());
  if (count_ == 1) return {Errc::invalid, named_.front() + "; nothing was submitted"};
  std::string what = std::to_string(count_) + " things are wrong, so nothing was submitted:";
  for (const std::string& one : named_) what += "\n  " + one;
  if (count_ > named_.size()) {
    what += "\n  and " + std::to_string(count_ - named_.size()) +
            " more: correct these first and try again";
  }
  return {Errc::invalid, what};
}

}  // namespace pirouette::ctl
