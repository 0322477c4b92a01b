// The account by which tests/bench/scale.cpp judges a night of a million jobs must notice what it
// is there for.

#include "tests/bench/night_account.h"

#include <gtest/gtest.h>

namespace pirouette::bench {
namespace {

core::Effects effects_of(core::JobState state, bool acknowledged) {
  core::Effects effects;
  core::Job job;
  job.id = {1};
  job.state = state;
  effects.writes.emplace_back(core::PutJob{job});
  if (acknowledged) effects.sends.emplace_back(core::SendAcknowledged{{1}, {1}, {1}, false});
  return effects;
}

TEST(NightAccount, AJobThatEndsOnceIsInOrder) {
  NightAccount account(1);
  account.note(effects_of(core::JobState::leased, false), {});
  account.note(effects_of(core::JobState::done, true), {});
  account.close(1);
  EXPECT_EQ(account.broken(), "");
  EXPECT_EQ(account.done(), 1u);
}

TEST(NightAccount, ASecondPictureIsNoticed) {
  NightAccount account(1);
  account.note(effects_of(core::JobState::done, true), {});
  core::Effects again;
  again.sends.emplace_back(core::SendAcknowledged{{1}, {2}, {1}, false});
  account.note(again, {});
  EXPECT_EQ(account.broken(), "two pictures were taken: job 1");
}

TEST(NightAccount, AJobThatIsDoneStaysSo) {
  NightAccount account(1);
  account.note(effects_of(core::JobState::done, true), {});
  account.note(effects_of(core::JobState::queued, false), {});
  EXPECT_EQ(account.broken(), "a job that was done changed: job 1");
}

TEST(NightAccount, AJobThatNeverEndsIsNoticed) {
  NightAccount account(1);
  account.note(effects_of(core::JobState::queued, false), {});
  account.close(1);
  EXPECT_EQ(account.broken(), "it never ended: job 1");
}

TEST(NightAccount, DoneWithoutAPictureIsNoticed) {
  NightAccount account(1);
  account.note(effects_of(core::JobState::done, false), {});
  account.close(1);
  EXPECT_EQ(account.broken(), "done and its picture differ: job 1");
}

}  // namespace
}  // namespace pirouette::bench
