// What a character may be called, and what that makes of a file's name.

#include "common/job/names.h"

#include <gtest/gtest.h>

namespace pirouette {
namespace {

TEST(Names, ACharacterIsCalledAnythingThatCanBePrinted) {
  for (const char* name : {"knight", "Zoë", "李", "b witch", "R2-D2 (old)", "a.b"}) {
    EXPECT_EQ(find_fault(name), "") << name;
  }
  for (const char* name : {"", "a/b", "a\nb", "a\x7f", "a\xc2\x9b", ".a", "a.", " a", "a "}) {
    EXPECT_NE(find_fault(name), "") << name;
  }
}

TEST(Names, FilesAreSafeOnEverySystem) {
  EXPECT_EQ(safe_name("Knight-2.b_c"), "Knight-2.b_c");
  EXPECT_EQ(safe_name("../etc/passwd"), "_._etc_passwd");
  EXPECT_EQ(safe_name("a b:c*\\Zoë."), "a_b_c__Zoë_");
  EXPECT_EQ(safe_name("李"), "李");
  EXPECT_EQ(safe_name(""), "_");
  EXPECT_EQ(safe_name("."), "_");
}

}  // namespace
}  // namespace pirouette
