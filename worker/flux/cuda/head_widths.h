#pragma once
// The widths of attention's heads that kernels are compiled for: 8 numbers a thread, up to a warp.

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace pirouette::flux::cuda {

constexpr bool is_head_width(std::int64_t width) {
  return width == 32 || width == 64 || width == 128 || width == 256;
}

// do_it(number of threads a head, as a constant). Throws std::runtime_error, with the kernel's
// name, for any other width.
template <typename DoIt>
void for_head_width(std::int64_t width, const char* kernel, const DoIt& do_it) {
  switch (width) {
    case 32:
      return do_it(std::integral_constant<int, 4>());
    case 64:
      return do_it(std::integral_constant<int, 8>());
    case 128:
      return do_it(std::integral_constant<int, 16>());
    case 256:
      return do_it(std::integral_constant<int, 32>());
    default:
      throw std::runtime_error(std::string(kernel) +
                               ": heads of another width than 32, 64, 128 or 256");
  }
}

}  // namespace pirouette::flux::cuda
