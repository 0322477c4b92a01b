// `pirouette verify`: proves from the ledger that each done job has exactly one accepted result and
// that every picture has its hash; the server does the work, page by page.

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "coordinator/ctl/commands.h"
#include "coordinator/ctl/format.h"

namespace pirouette::ctl {
namespace {

// Sheets a request: some seconds of hashing at most.
constexpr std::string_view kSheetsAtOnce = "100";
constexpr std::chrono::milliseconds kBusyWait{500};
constexpr int kBusyTriesMax = 120;

struct Proven {
  std::uint64_t batches = 0, sheets = 0, jobs = 0, blobs = 0, bytes = 0;
  Json findings = Json::array();
};

// Others may verify too, and the server hashes for a few at a time only.
Result<Json> get_page(Client& client, const std::string& path) {
  for (int tries = 1;; ++tries) {
    auto page = client.get(path);
    if (page.ok() || page.error().code != Errc::busy || tries == kBusyTriesMax) return page;
    std::this_thread::sleep_for(kBusyWait);
  }
}

// Draws over one line, so it is for a terminal only.
void say_progress(std::uint64_t batch, std::uint64_t sheets, const Proven& proven,
                  Console& console) {
  if (!console.terminal || console.json) return;
  console.err << "\rbatch " << batch << ": " << count_of(sheets, "sheet") << ", "
              << format_bytes(proven.bytes) << " hashed   " << std::flush;
}

Result<void> verify_batch(Client& client, std::uint64_t batch, Proven& proven, Console& console) {
  std::uint64_t sheets = 0;
  std::string after;
  while (true) {
    const Json page =
        TRY(get_page(client, "/batches/" + std::to_string(batch) +
                                 "/verification?limit=" + std::string(kSheetsAtOnce) + after));
    sheets += number_of(page, "sheets");
    proven.jobs += number_of(page, "jobs_done");
    proven.blobs += number_of(page, "blobs");
    proven.bytes += number_of(page, "bytes");
    for (Json finding : page.value("findings", Json::array())) {
      if (!console.json) {
        console.out << "batch " << batch << ": " << text_of(finding, "what") << "\n";
      }
      finding["batch"] = batch;
      proven.findings.push_back(std::move(finding));
    }
    say_progress(batch, sheets, proven, console);
    const std::uint64_t next = number_of(page, "next");
    if (next == 0) break;
    after = "&after=" + std::to_string(next);
  }
  ++proven.batches;
  proven.sheets += sheets;
  return {};
}

}  // namespace

Result<Exit> verify(Client& client, std::vector<std::uint64_t> batches, Console& console) {
  if (batches.empty()) {
    for (const Json& batch : TRY(client.get_all("/batches"))) {
      batches.push_back(number_of(batch, "id"));
    }
  }
  Proven proven;
  for (const std::uint64_t batch : batches) TRY(verify_batch(client, batch, proven, console));
  const Exit ended = proven.findings.empty() ? Exit::ok : Exit::failed;
  if (console.json) {
    console.out << Json{{"batches", proven.batches}, {"sheets", proven.sheets},
                        {"jobs_done", proven.jobs},  {"blobs", proven.blobs},
                        {"bytes", proven.bytes},     {"findings", std::move(proven.findings)}}
                       .dump()
                << "\n";
    return ended;
  }
  if (console.terminal) console.err << "\n";
  const std::string all =
      count_of(proven.jobs, "done job") + " of " + count_of(proven.sheets, "sheet") + " in " +
      std::to_string(proven.batches) + (proven.batches == 1 ? " batch" : " batches");
  if (ended == Exit::ok) {
    console.out << all << ": each has exactly one accepted result, and all "
                << count_of(proven.blobs, "picture") << " (" << format_bytes(proven.bytes)
                << ") have their hashes\n";
  } else {
    console.out << all << " looked at: " << count_of(proven.findings.size(), "finding") << "\n";
  }
  return ended;
}

}  // namespace pirouette::ctl
