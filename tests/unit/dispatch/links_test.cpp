#include "coordinator/dispatch/links.h"

#include <gtest/gtest.h>

namespace pirouette::dispatch {
namespace {

constexpr Instant kNow{1'000'000};

TEST(Links, EachHelloGetsANewNumber) {
  Links links(10);
  const LinkId first = links.open("r", "anna", "", kNow)->id;
  const LinkId second = links.open("r", "anna", "", kNow)->id;
  EXPECT_NE(first, second);
  EXPECT_EQ(links.find(first), nullptr);
  EXPECT_EQ(links.find("r")->id, second);
  EXPECT_EQ(links.size(), 1u);
}

TEST(Links, AnOldLinkThatClosesLeavesTheNewerOfItsName) {
  Links links(10);
  const LinkId older = links.open("r1", "anna", "", kNow)->id;
  const LinkId newer = links.open("r2", "anna", "", kNow)->id;
  links.close(older);
  EXPECT_EQ(links.find_worker("anna")->id, newer);
}

TEST(Links, TheTableIsBoundedAndTheSilentAreForgotten) {
  Links links(2);
  links.open("r1", "anna", "", kNow);
  const LinkId bert = links.open("r2", "bert", "", kNow)->id;
  EXPECT_EQ(links.open("r3", "carl", "", kNow), nullptr);
  const Instant later = kNow + kLinkSilentMax + seconds(1);
  links.heard(bert, later);
  EXPECT_EQ(links.forget_silent(later), 1u);
  EXPECT_EQ(links.find("r1"), nullptr);
  EXPECT_NE(links.open("r3", "carl", "", later), nullptr);
}

}  // namespace
}  // namespace pirouette::dispatch
