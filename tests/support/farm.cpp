#include "tests/support/farm.h"

#include <httplib.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

#include "common/image/image.h"
#include "common/result.h"

namespace pirouette::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::string read_text(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// A plain figure on white, another colour for each n, so that no two references are the same blob.
Image drawn_reference(int n) {
  Image image{64, 96, 3, std::vector<std::uint8_t>(64 * 96 * 3, 255)};
  for (int y = 10; y < 86; ++y) {
    for (int x = 22; x < 42; ++x) {
      std::uint8_t* pixel = &image.pixels[static_cast<std::size_t>((y * 64 + x) * 3)];
      pixel[0] = static_cast<std::uint8_t>(40 + n * 37 % 200);
      pixel[1] = static_cast<std::uint8_t>(n & 255);
      pixel[2] = static_cast<std::uint8_t>(n >> 8);
    }
  }
  return image;
}

}  // namespace

fs::path binary(const std::string& name) { return fs::path(PIROUETTE_BINARY_DIR) / "bin" / name; }
fs::path tiny_model() { return fs::path(PIROUETTE_SOURCE_DIR) / "tests/data/tiny-kontext"; }

Farm::Farm(std::chrono::milliseconds lease) : lease_(lease) {}

Farm::~Farm() {
  workers_.clear();
  coordinator_.reset();
}

void Farm::start_coordinator() {
  const auto endpoint = [&](const char* name, const char* any) {
    return endpoints_.is_null() ? std::string(any) : endpoints_.at(name).get<std::string>();
  };
  std::string http = endpoint("http", "127.0.0.1:0");
  if (http.starts_with("http://")) http = http.substr(7);
  const fs::path written = coordinator_folder() / "endpoints.json";
  fs::remove(written);
  coordinator_ = std::make_unique<Process>(
      std::vector<std::string>{binary("pirouette-coordinator"), "--folder", coordinator_folder(),
                               "--http", http, "--control",
                               endpoint("control", "tcp://127.0.0.1:0"), "--blobs",
                               endpoint("blobs", "tcp://127.0.0.1:0"), "--heartbeat-ms", "200",
                               "--lease-ms", std::to_string(lease_.count())},
      folder_ / "coordinator.out", folder_ / "coordinator.log");
  const bool started =
      wait_until([&] { return fs::exists(written) && !get("/api/v1/health").is_null(); },
                 std::chrono::seconds(20));
  if (!started) std::fprintf(stderr, "%s", logs().c_str());
  PIROUETTE_CHECK(started);
}

void Farm::start_worker(const std::string& name, const std::vector<std::string>& more) {
  endpoints_ = json::parse(read_text(coordinator_folder() / "endpoints.json"));
  std::vector<std::string> argv{binary("pirouette-worker"),
                                "serve",
                                "--name",
                                name,
                                "--coordinator",
                                endpoints_.at("control"),
                                "--blobs",
                                endpoints_.at("blobs"),
                                "--key",
                                coordinator_folder() / "keys" / "worker.key",
                                "--folder",
                                folder_ / ("worker-" + name),
                                "--threads",
                                "1"};
  if (more.empty()) {
    argv.insert(argv.end(),
                {"--model", "tiny-kontext=" + tiny_model().string(), "--lora",
                 "turnaround=" + (tiny_model() / "comfyui/loras/peft.safetensors").string()});
  }
  argv.insert(argv.end(), more.begin(), more.end());
  workers_[name] =
      std::make_unique<Process>(argv, folder_ / (name + ".out"), folder_ / (name + ".log"));
}

Finished Farm::cli(const std::vector<std::string>& arguments, std::chrono::milliseconds limit) {
  std::vector<std::string> argv{binary("pirouette")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  argv.insert(argv.end(), {"--server", endpoints_.at("http").get<std::string>()});
  return run(argv, folder(), limit);
}

json Farm::tiny_recipe() {
  return {{"model", "tiny-kontext"},
          {"loras", {{{"name", "turnaround"}, {"scale", 1.0}}}},
          {"pose_set", "std6"},
          {"width", 64},
          {"height", 96},
          {"steps", 2},
          {"reference_size", "keep"},
          {"max_sequence_length", 64}};
}

std::uint64_t Farm::submit(int count, const json& recipe) {
  const fs::path characters = folder_ / ("characters" + std::to_string(submissions_++));
  fs::create_directories(characters);
  for (int n = 0; n < count; ++n) {
    char name[32];
    std::snprintf(name, sizeof name, "figure_%03d.png", n);
    const auto png = encode_png(drawn_reference(n)).value();
    std::ofstream(characters / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(png.data()), static_cast<std::streamsize>(png.size()));
  }
  const fs::path recipe_file = folder_ / "recipe.json";
  std::ofstream(recipe_file) << recipe.dump();
  endpoints_ = json::parse(read_text(coordinator_folder() / "endpoints.json"));
  const Finished submitted = cli({"submit", characters, "--recipe", recipe_file, "--json"});
  if (submitted.exit_code != 0) {
    std::fprintf(stderr, "%s%s%s", submitted.out.c_str(), submitted.err.c_str(), logs().c_str());
  }
  PIROUETTE_CHECK(submitted.exit_code == 0);
  return json::parse(submitted.out).at("batch").get<std::uint64_t>();
}

std::string Farm::get_text(const std::string& path) {
  std::error_code ignored;
  const std::string text = read_text(coordinator_folder() / "endpoints.json");
  const json endpoints = json::parse(text, nullptr, false);
  if (endpoints.is_discarded()) return "";
  endpoints_ = endpoints;
  httplib::Client client(endpoints.at("http").get<std::string>());
  client.set_connection_timeout(2);
  client.set_read_timeout(10);
  const auto answer = client.Get(path);
  return answer && answer->status == 200 ? answer->body : "";
}

json Farm::get(const std::string& path) {
  json answer = json::parse(get_text(path), nullptr, false);
  return answer.is_discarded() ? json() : answer;
}

std::string Farm::sql(const std::string& query) {
  Finished answer = run({"/usr/bin/sqlite3", "-readonly", database(), query}, folder());
  while (!answer.out.empty() && answer.out.back() == '\n') answer.out.pop_back();
  return answer.exit_code == 0 ? answer.out : "error: " + answer.err;
}

bool Farm::wait_until(const std::function<bool()>& done, std::chrono::milliseconds limit) {
  const auto until = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

bool Farm::wait_finished(std::uint64_t batch, std::chrono::milliseconds limit) {
  const std::string path = "/api/v1/batches/" + std::to_string(batch);
  return wait_until(
      [&] {
        const json answer = get(path);
        return answer.is_object() && answer.at("state") == "finished";
      },
      limit);
}

std::string Farm::logs() const {
  std::ostringstream all;
  all << "--- coordinator\n" << read_text(folder_ / "coordinator.log");
  for (const auto& [name, process] : workers_) {
    all << "--- worker " << name << "\n" << read_text(folder_ / (name + ".log"));
  }
  return all.str();
}

}  // namespace pirouette::testing
