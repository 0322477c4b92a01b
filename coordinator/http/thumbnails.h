#pragma once
// Small pictures of big ones, made once and kept in a folder of at most kThumbnailsMaxBytes; the
// ones not asked for longest go first. The folder is a cache: losing it costs only time. Safe from
// several threads; at most kThumbnailsAtOnce are made at a time.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <semaphore>
#include <string>
#include <vector>

#include "common/hash.h"
#include "common/result.h"
#include "coordinator/http/limits.h"

namespace pirouette::http {

class Thumbnails {
 public:
  using Make = std::function<Result<std::vector<std::uint8_t>>(const std::filesystem::path& picture,
                                                               int height_px)>;

  // Takes over what is in the folder already, oldest first.
  Thumbnails(std::filesystem::path folder, Make make, std::uint64_t max_bytes);

  // picture: the file behind digest. Errors are make's, or io.
  Result<std::vector<std::uint8_t>> get(const Digest& digest, const std::filesystem::path& picture,
                                        int height_px);

 private:
  struct Kept {
    std::string name;
    std::uint64_t bytes = 0;
  };
  using Order = std::list<Kept>;  // front: asked for longest ago

  bool touch(const std::string& name);
  void keep(const std::string& name, std::uint64_t bytes);

  const std::filesystem::path folder_;
  const Make make_;
  const std::uint64_t max_bytes_;
  std::counting_semaphore<> making_{static_cast<std::ptrdiff_t>(kThumbnailsAtOnce)};
  std::mutex mutex_;
  Order order_;
  std::map<std::string, Order::iterator> kept_;
  std::uint64_t bytes_ = 0;
};

}  // namespace pirouette::http
