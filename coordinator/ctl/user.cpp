#include "coordinator/ctl/user.h"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace pirouette::ctl {

std::string find_user() {
  if (const char* const user = std::getenv("USER"); user && *user) return user;
  std::array<char, 4096> strings;  // an entry of passwd is a short line
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(::getuid(), &entry, strings.data(), strings.size(), &found);
  return found ? found->pw_name : "";
}

}  // namespace pirouette::ctl
