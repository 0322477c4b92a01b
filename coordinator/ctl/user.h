#pragma once
// Who runs this program: the owner of what they submit, and the "by" of what they change.

#include <string>

namespace pirouette::ctl {

// $USER, or the login name where that is not set; "" for an account without a name.
std::string find_user();

}  // namespace pirouette::ctl
