// pirouette-coordinator: reads the command line, starts a Coordinator, runs it until SIGINT or
// SIGTERM.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <map>

#include "common/log.h"
#include "coordinator/core/fair_share.h"
#include "coordinator/runtime/coordinator.h"

namespace {

pirouette::Result<void> serve(const pirouette::runtime::Config& config) {
  const auto coordinator = TRY(pirouette::runtime::Coordinator::start(config));
  coordinator->stop_on_signals();
  std::printf("page: %s\n", coordinator->endpoints().http.c_str());
  std::fflush(stdout);
  coordinator->run();
  return {};
}

// "nightowl=200" -> {nightowl, 200}.
pirouette::Result<std::map<std::string, std::uint32_t>> read_shares(
    const std::vector<std::string>& texts) {
  using namespace pirouette;
  std::map<std::string, std::uint32_t> weights;
  for (const std::string& text : texts) {
    const auto equals = text.rfind('=');
    std::uint32_t weight = 0;
    const char* const end = text.data() + text.size();
    const bool named = equals != std::string::npos;
    const auto [stop, fault] = std::from_chars(text.data() + (named ? equals + 1 : 0), end, weight);
    if (!named || fault != std::errc() || stop != end || weight < 1 ||
        weight > core::kShareWeightMax) {
      return Error{Errc::invalid, "--share " + text +
                                      ": write it as OWNER=WEIGHT with a weight of 1 to " +
                                      std::to_string(core::kShareWeightMax)};
    }
    weights[text.substr(0, equals)] = weight;
  }
  return weights;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace pirouette;
  CLI::App app{
      "The coordinator of a Pirouette farm: takes batches, hands jobs to workers, serves the "
      "page.\n"
      "Example: pirouette-coordinator --folder /var/lib/pirouette --http 127.0.0.1:8080"};
  runtime::Config config;
  std::string http = "127.0.0.1:8080";
  std::int64_t heartbeat_ms = config.policy.heartbeat.us / 1000;
  std::int64_t lease_ms = config.policy.lease.us / 1000;
  bool debug = false;
  app.set_version_flag("--version", "pirouette-coordinator " PIROUETTE_VERSION);
  app.set_config("--config", "", "Read options from a TOML file (flags win)");
  app.add_option("--folder", config.folder, "Database, pictures and keys; made if missing")
      ->required();
  app.add_option("--http", http, "Address of the page and the API, HOST:PORT; port 0 takes any")
      ->capture_default_str();
  app.add_option("--control", config.control, "Where workers connect, tcp://HOST:PORT")
      ->capture_default_str();
  app.add_option("--blobs", config.blobs, "Where workers send and fetch pictures, tcp://HOST:PORT")
      ->capture_default_str();
  app.add_flag("--plain", config.plain, "No encryption of worker links; only on loopback");
  app.add_option("--heartbeat-ms", heartbeat_ms, "Workers say something at least this often")
      ->check(CLI::Range(50, 60'000))
      ->capture_default_str();
  app.add_option("--lease-ms", lease_ms, "A worker silent for this long loses its jobs")
      ->check(CLI::Range(500, 3'600'000))
      ->capture_default_str();
  std::vector<std::string> shares;
  app.add_option("--share", shares,
                 "OWNER=WEIGHT of the farm among jobs of one priority; 100 if not given, so 200 is "
                 "twice the others'; repeatable");
  app.add_flag("--debug", debug, "Log more");
  CLI11_PARSE(app, argc, argv);

  if (debug) log::set_level(log::Level::debug);
  config.policy.heartbeat = milliseconds(heartbeat_ms);
  config.policy.lease = milliseconds(lease_ms);
  if (config.policy.lease < config.policy.heartbeat * 3) {
    log::error("coordinator",
               "--lease-ms must be at least three times --heartbeat-ms, so that one "
               "lost message is no lost worker");
    return 2;
  }
  const auto weights = read_shares(shares);
  if (!weights.ok()) {
    log::error("coordinator", weights.error().what);
    return 2;
  }
  config.policy.shares = weights.value();
  const auto colon = http.rfind(':');
  const std::string port = colon == std::string::npos ? "" : http.substr(colon + 1);
  if (port.empty() || port.size() > 5 ||
      port.find_first_not_of("0123456789") != std::string::npos || std::stoi(port) > 65535) {
    log::error("coordinator", "--http " + http + ": write it as HOST:PORT, as in 127.0.0.1:8080");
    return 2;
  }
  config.http_host = http.substr(0, colon);
  config.http_port = std::stoi(port);

  const Result<void> served = serve(config);
  if (!served.ok()) {
    log::error("coordinator", served.error().what);
    return 1;
  }
  return 0;
}
