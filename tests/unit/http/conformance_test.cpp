// The server and schema/openapi.yaml are the same thing: every route stands there and nothing else,
// and every status that stands there is provoked over a real connection and checked against it
// (status, type, headers, body). Rows to extend: conformance_cases.h.

#include <algorithm>
#include <set>

#include "tests/support/openapi/description.h"
#include "tests/unit/http/bare_site.h"
#include "tests/unit/http/conformance_cases.h"

namespace pirouette::http {
namespace {

using openapi::Answered;
using openapi::Description;
using openapi::Operation;

// What none of them is.
constexpr const char* kUnknownId = "987654";

const Description& description() {
  static const Description read(PIROUETTE_SOURCE_DIR "/schema/openapi.yaml");
  return read;
}

Answered as_answered(const httplib::Response& response) {
  Answered answered{response.status, response.get_header_value("Content-Type"), {}, response.body};
  for (const auto& [name, value] : response.headers) {
    std::string lower = name;
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    answered.headers[lower] = value;
  }
  return answered;
}

// An event stream never ends: its head and its first bytes are enough.
httplib::Response read_head(httplib::Client& client, const Ask& ask) {
  httplib::Response head;
  static_cast<void>(client.Get(
      ask.path, ask.headers,
      [&](const httplib::Response& response) {
        head.status = response.status;
        head.headers = response.headers;
        return true;
      },
      [&](const char* bytes, std::size_t size) {
        head.body.append(bytes, size);
        return head.status != 200;
      }));
  return head;
}

httplib::Response send(const ConformanceFarm& farm, const std::string& method, const Ask& ask) {
  const auto client = farm.connection();
  if (method == "GET" && ask.headers == kAsStream) return read_head(*client, ask);
  const auto sent = [&]() -> httplib::Result {
    if (method == "GET") return client->Get(ask.path, ask.headers);
    if (method == "HEAD") return client->Head(ask.path, ask.headers);
    if (method == "DELETE") return client->Delete(ask.path, ask.headers, ask.body, ask.type);
    if (method == "PATCH") return client->Patch(ask.path, ask.headers, ask.body, ask.type);
    if (method == "PUT") return client->Put(ask.path, ask.headers, ask.body, ask.type);
    return client->Post(ask.path, ask.headers, ask.body, ask.type);
  };
  httplib::Result answer = sent();
  // On a machine at its limits the server may give up on a body of 128 MiB before it is all there.
  for (int i = 0; i < 3 && !answer && ask.body.size() > kPathMaxBytes; ++i) answer = sent();
  EXPECT_TRUE(answer) << method << " " << ask.path << ": " << httplib::to_string(answer.error());
  return answer ? *answer : httplib::Response();
}

// "/api/v1/jobs/{id}" of one that is there, or of one that is not.
std::string fill(std::string route, const std::string& id, const std::string& digest) {
  for (const auto& [hole, value] : {std::pair<std::string, std::string>{"{id}", id},
                                    std::pair<std::string, std::string>{"{name}", id},
                                    std::pair<std::string, std::string>{"{sha256}", digest}}) {
    if (const auto found = route.find(hole); found != route.npos) {
      route.replace(found, hole.size(), value);
    }
  }
  return route;
}

class Conformance : public testing::Test {
 protected:
  // Asks, and compares with what is described; remembers the status.
  void ask(const ConformanceFarm& farm, const Operation& of, int status, const Ask& what) {
    const std::string words = of.method + " " + what.path + " should be " + std::to_string(status);
    const httplib::Response answer = send(farm, of.method, what);
    EXPECT_EQ(answer.status, status) << words << ": " << answer.body;
    for (const std::string& complaint : description().complaints(of, as_answered(answer))) {
      ADD_FAILURE() << words << ": " << complaint << "\n" << answer.body.substr(0, 2000);
    }
    produced_.insert({of.method + " " + of.path, answer.status});
    // A stream's HEAD needs no place.
    if (of.method != "GET" || status == 503) return;
    const httplib::Response head = send(farm, "HEAD", what);
    EXPECT_EQ(head.status, status) << "HEAD of " << words;
    EXPECT_EQ(head.get_header_value("Content-Type"), answer.get_header_value("Content-Type"))
        << "HEAD of " << words;
    EXPECT_TRUE(head.body.empty()) << "HEAD of " << words;
  }

  void ask(ConformanceFarm& farm, const Case& row) {
    const Operation* const of = description().find(row.method, row.route);
    ASSERT_NE(of, nullptr) << row.method << " " << row.route << " is not described";
    const Ask what = row.make(farm);
    ask(farm, *of, row.status, what);
    if (row.after) row.after(farm);
  }

  // What every route of a kind answers alike.
  template <typename Applies, typename Path>
  void sweep(const ConformanceFarm& farm, int status, const httplib::Headers& headers,
             Applies applies, Path path) {
    for (const Operation& of : description().operations()) {
      if (applies(of)) ask(farm, of, status, Ask{path(of), headers, needed_body(of.path)});
    }
  }

  std::set<std::pair<std::string, int>> produced_;
};

bool is_get(const Operation& of) { return of.method == "GET"; }
bool has_hole(const Operation& of) { return of.path.find('{') != std::string::npos; }

TEST_F(Conformance, EveryRouteIsDescribedAndNoOther) {
  BareSite bare;
  add_all(bare.router, bare.site);
  std::set<std::string> served, described;
  for (const Route& route : bare.router.routes()) served.insert(route.method + " " + route.pattern);
  for (const Operation& of : description().operations()) {
    described.insert(of.method + " " + of.path);
  }
  EXPECT_EQ(served, described);
}

TEST_F(Conformance, EveryDescribedStatusIsAnsweredAsDescribed) {
  {
    ConformanceFarm farm;
    farm.furnish();
    for (const Case& row : kCases) ask(farm, row);
    const std::string here = farm.knight(), gone(64, 'f');
    sweep(farm, 400, kAsList, is_get,
          [&](const Operation& of) { return fill(of.path, "1", here) + "?colour=red"; });
    sweep(
        farm, 404, {}, [](const Operation& of) { return has_hole(of) && of.method != "PUT"; },
        [&](const Operation& of) { return fill(of.path, kUnknownId, gone); });
    sweep(
        farm, 403, {{"Origin", "http://evil.example"}},
        [](const Operation& of) { return !is_get(of); },
        [&](const Operation& of) { return fill(of.path, "1", here); });
    farm.lose_database();
    sweep(
        farm, 500, kAsList,
        [](const Operation& of) {
          return is_get(of) && of.statuses.contains(500) &&
                 of.path.find("{sha256}") == std::string::npos;
        },
        [&](const Operation& of) { return fill(of.path, "1", here); });
  }
  for (const Case& row : cases_of_trouble()) {
    ConformanceFarm farm;
    farm.furnish();
    ask(farm, row);
  }
  // Whatever asks the loop, while that is stuck, and while the server stops.
  for (const Operation& of : description().operations()) {
    if (!of.statuses.contains(504)) continue;
    const auto row = std::ranges::find_if(
        kCases, [&](const Case& one) { return one.method == of.method && one.route == of.path; });
    if (row == kCases.end()) continue;  // said below
    for (const int status : {504, 503}) {
      ConformanceFarm farm(std::chrono::seconds(status == 504 ? 1 : 30));
      farm.furnish();
      const Ask what = row->make(farm);
      farm.get_stuck();
      if (status == 503) farm.stop_when_asked();
      ask(farm, of, status, what);
    }
  }
  for (const Operation& of : description().operations()) {
    for (const int status : of.statuses) {
      EXPECT_TRUE(produced_.contains({of.method + " " + of.path, status}))
          << "no row of conformance_cases.h makes " << of.method << " " << of.path << " answer "
          << status;
    }
  }
}

TEST_F(Conformance, OtherMethodsAreRefusedWithThoseThereAre) {
  ConformanceFarm farm;
  std::map<std::string, std::set<std::string>> methods;
  for (const Operation& of : description().operations()) methods[of.path].insert(of.method);
  for (const auto& [path, allowed] : methods) {
    for (const char* method : {"DELETE", "PATCH", "PUT", "POST"}) {
      if (allowed.contains(method)) continue;
      const httplib::Response answer =
          send(farm, method, Ask{fill(path, "1", std::string(64, 'f'))});
      EXPECT_EQ(answer.status, 405) << method << " " << path;
      std::set<std::string> said;
      std::istringstream allow(answer.get_header_value("Allow"));
      for (std::string one; std::getline(allow, one, ',');) {
        said.insert(one.substr(one.find_first_not_of(' ')));
      }
      EXPECT_EQ(said, allowed) << method << " " << path;
    }
  }
}

}  // namespace
}  // namespace pirouette::http
