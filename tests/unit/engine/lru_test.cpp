#include "worker/engine/lru.h"

#include <gtest/gtest.h>

#include <string>

namespace pirouette::engine {
namespace {

TEST(Lru, ForgetsWhatWasUsedLongestAgo) {
  Lru<int, std::string> lru(2);
  lru.put(1, "one");
  lru.put(2, "two");
  EXPECT_EQ(*lru.find(1), "one");  // now 2 is the oldest
  lru.put(3, "three");
  EXPECT_EQ(lru.size(), 2u);
  EXPECT_EQ(lru.find(2), nullptr);
  EXPECT_EQ(*lru.find(1), "one");
  EXPECT_EQ(*lru.find(3), "three");
}

TEST(Lru, PuttingAgainReplacesAndTakesNoMoreRoom) {
  Lru<int, std::string> lru(2);
  lru.put(1, "one");
  lru.put(2, "two");
  EXPECT_EQ(lru.put(1, "uno"), "uno");
  EXPECT_EQ(lru.size(), 2u);
  lru.put(3, "three");
  EXPECT_EQ(lru.find(2), nullptr);
  EXPECT_EQ(*lru.find(1), "uno");
}

TEST(Lru, ClearedIsEmpty) {
  Lru<int, std::string> lru(2);
  lru.put(1, "one");
  lru.clear();
  EXPECT_EQ(lru.find(1), nullptr);
  EXPECT_EQ(lru.size(), 0u);
}

}  // namespace
}  // namespace pirouette::engine
