#pragma once
// A whole file in memory, private: nothing written through it reaches the disk. Pages are read when
// they are first touched. A file must not be changed in place while it is mapped (replacing it by a
// rename is fine).

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "common/result.h"

namespace pirouette::flux {

class Mapping {
 public:
  // not_found, io; corrupt: the file is empty.
  static Result<std::shared_ptr<const Mapping>> open(const std::filesystem::path& path);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  std::span<const std::uint8_t> bytes() const { return {bytes_, size_}; }
  std::uint8_t* at(std::uint64_t offset) const { return bytes_ + offset; }

 private:
  Mapping(std::uint8_t* bytes, std::size_t size) : bytes_(bytes), size_(size) {}
  std::uint8_t* bytes_;
  std::size_t size_;
};

}  // namespace pirouette::flux
