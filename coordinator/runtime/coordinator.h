#pragma once
// The whole coordinator: every part made, wired to the loop, and ended in the right order. This is
// the only place that knows all of them.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "common/result.h"
#include "coordinator/core/core.h"
#include "coordinator/runtime/assembler.h"

namespace pirouette::runtime {

struct Config {
  std::filesystem::path folder;  // farm.db, blobs/, references/, thumbnails/, keys/ …
  std::string http_host = "127.0.0.1";
  int http_port = 8080;                          // 0: any free one
  std::string control = "tcp://127.0.0.1:5571";  // port 0: any free one
  std::string blobs = "tcp://127.0.0.1:5572";
  bool plain = false;  // no CURVE; refused unless both are on loopback
  core::Policy policy;
  // Puts sheets together; empty: the real one (coordinator/assembly).
  AssembleFn assemble;
};

struct Endpoints {
  std::string http;  // "http://127.0.0.1:8080"
  std::string control, blobs;
};

class Coordinator {
 public:
  // Opens or makes the folder and listens on all three sockets. Writes endpoints.json once
  // everything answers. Errors say which part could not start and why.
  static Result<std::unique_ptr<Coordinator>> start(Config config);
  ~Coordinator();

  const Endpoints& endpoints() const;
  void stop_on_signals();  // SIGINT and SIGTERM, from now on
  void run();              // until stop()
  void stop();             // any thread
  void post(core::Event event);

 private:
  class Impl;
  explicit Coordinator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pirouette::runtime
