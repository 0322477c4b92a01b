#pragma once
// Time on the device between two events, and the table that everything is printed in.

#include <cuda_runtime_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "worker/flux/cuda/launching.h"
#include "worker/flux/ops.h"

namespace pirouette::flux::bench {

inline void wait() { cudaDeviceSynchronize(); }

// Milliseconds of one run: the median of so many, each timed by itself after two that do not count.
template <typename Run>
double device_ms(at::Device device, int times, const Run& run) {
  const cudaStream_t stream = cuda::current_stream(device);
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  std::vector<double> measured;
  for (int i = -2; i < times; ++i) {
    cudaEventRecord(begin, stream);
    run();
    cudaEventRecord(end, stream);
    cudaEventSynchronize(end);
    float ms = 0;
    cudaEventElapsedTime(&ms, begin, end);
    if (i >= 0) measured.push_back(ms);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::ranges::sort(measured);
  return measured[measured.size() / 2];
}

// Of one run of many in a row: what is short does not stand alone.
template <typename Run>
double device_ms_in_a_row(at::Device device, int in_a_row, const Run& run) {
  return device_ms(device, 3,
                   [&] {
                     for (int i = 0; i < in_a_row; ++i) run();
                   }) /
         in_a_row;
}

// Milliseconds on the host's clock until the device is done too.
template <typename Run>
double host_ms(const Run& run) {
  wait();
  const auto start = std::chrono::steady_clock::now();
  run();
  wait();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

// One line of the table. Printed at once: a run that is cut short shows what it has.
inline void line(const std::string& what, double value, const char* unit,
                 const std::string& note = "") {
  std::printf("| %-58s | %10.2f %-8s | %s\n", what.c_str(), value, unit, note.c_str());
  std::fflush(stdout);
}

inline void heading(const std::string& what) {
  std::printf("\n== %s\n", what.c_str());
  std::fflush(stdout);
}

}  // namespace pirouette::flux::bench
