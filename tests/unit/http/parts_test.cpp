// The parts that need no server: router, ranges, waiting, thumbnails.

#include <thread>

#include "coordinator/http/problem.h"
#include "coordinator/http/ranges.h"
#include "coordinator/http/site.h"
#include "tests/unit/http/small_farm.h"

namespace pirouette::http {
namespace {

Result<Answer> nothing(const Request&) { return Answer{}; }

TEST(Router, FindsByMethodAndPath) {
  Router router;
  router.add("GET", "/a/{id}", nothing);
  router.add("POST", "/a/{id}/b", nothing);
  const auto found = router.find("HEAD", "/a/7");
  ASSERT_NE(found.route, nullptr);
  EXPECT_EQ(found.parameters, std::vector<std::string>{"7"});
  EXPECT_EQ(router.find("GET", "/a/7/b").route, nullptr);
  EXPECT_EQ(router.find("GET", "/a/7/b").allowed, "POST");
  EXPECT_EQ(router.find("GET", "/a").allowed, "");
  EXPECT_EQ(router.find("GET", "/a/7/").route, nullptr);
}

TEST(Ranges, OneRangeOrTheWhole) {
  EXPECT_EQ(parse_range("bytes=2-5", 10).range->length, 4u);
  EXPECT_EQ(parse_range("bytes=2-", 10).range->length, 8u);
  EXPECT_EQ(parse_range("bytes=-3", 10).range->offset, 7u);
  EXPECT_EQ(parse_range("bytes=-30", 10).range->length, 10u);
  EXPECT_EQ(parse_range("bytes=0-18446744073709551615", 10).range->length, 10u);
  EXPECT_FALSE(parse_range("bytes=10-", 10).satisfiable);
  EXPECT_FALSE(parse_range("bytes=-0", 10).satisfiable);
  for (const char* odd : {"", "bytes=", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=1-2,4-5"}) {
    EXPECT_TRUE(parse_range(odd, 10).satisfiable) << odd;
    EXPECT_FALSE(parse_range(odd, 10).range) << odd;
  }
}

TEST(Waiting, AnAnswerMayComeBeforeTheWaitOrNotAtAll) {
  Waiting waiting;
  const auto at_once = waiting.ask(
      [&](RequestId request) {
        waiting.answer({request, core::Accepted{}});
      },
      std::chrono::seconds(5));
  EXPECT_TRUE(std::holds_alternative<core::Accepted>(at_once));
  const auto never = waiting.ask([](RequestId) {}, std::chrono::milliseconds(10));
  ASSERT_TRUE(std::holds_alternative<Error>(never));
  EXPECT_EQ(std::get<Error>(never).code, Errc::timeout);
  EXPECT_NE(std::get<Error>(never).what.find("may still have been taken"), std::string::npos);
  EXPECT_EQ(status_of(Errc::timeout), 504);
}

TEST(Problem, SaysItInASentence) {
  const json problem = json::parse(http::problem(Error{Errc::not_found, "there is none"}).body);
  EXPECT_EQ(problem["detail"], "There is none.");
  EXPECT_EQ(problem["title"], "Not Found");
}

TEST(Thumbnails, TheFolderIsBoundedAndForgetsTheOldest) {
  const auto folder = std::filesystem::temp_directory_path() /
                      ("pirouette-thumbnails-" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  int made = 0;
  const auto make = [&](const std::filesystem::path&, int) {
    ++made;
    return Result(std::vector<std::uint8_t>(100));
  };
  {
    Thumbnails thumbnails(folder, make, 250);
    for (const char* name : {"a", "b", "a", "c", "a"}) {
      EXPECT_TRUE(thumbnails.get(sha256(name), "picture", 100).ok());
    }
    EXPECT_EQ(made, 3);
    EXPECT_TRUE(thumbnails.get(sha256("b"), "picture", 100).ok());
    EXPECT_EQ(made, 4) << "b went when c came";
  }
  Thumbnails again(folder, make, 250);
  EXPECT_TRUE(again.get(sha256("b"), "picture", 100).ok());
  EXPECT_EQ(made, 4) << "the folder outlives the program";
  const auto files = std::distance(std::filesystem::directory_iterator(folder), {});
  EXPECT_EQ(files, 2);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace pirouette::http
