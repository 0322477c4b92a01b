#include "worker/flux/cuda/matmul.h"

#include <cublasLt.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <tuple>

namespace pirouette::flux::cuda {
namespace {

std::string describe(const Matmul& m) {
  return "a matrix product of " + std::to_string(m.rows) + " x " + std::to_string(m.inner) +
         " by " + std::to_string(m.columns);
}

void check(cublasStatus_t status, const Matmul& m, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(describe(m) + ": " + what + ": " + cublasLtGetStatusString(status));
}

// cuBLASLt's descriptions, made and ended together. It counts columns first, so the row-major
// out = x weight^T is its out^T = weight x^T.
class Description {
 public:
  explicit Description(const Matmul& m) : m_(m) {
    check(cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), m, "description");
    set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
    set(CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
    if (m.bias != nullptr) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE,
          m.gelu ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_BIAS);
      set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, m.bias);
    }
    lay_out(&weight, CUDA_R_16BF, m.inner, m.columns, m.weight_stride);
    lay_out(&x, CUDA_R_16BF, m.inner, m.rows, m.x_stride);
    lay_out(&out, m.float_out ? CUDA_R_32F : CUDA_R_16BF, m.columns, m.rows, m.out_stride);
  }
  ~Description() {
    if (operation != nullptr) cublasLtMatmulDescDestroy(operation);
    for (cublasLtMatrixLayout_t layout : {weight, x, out})
      if (layout != nullptr) cublasLtMatrixLayoutDestroy(layout);
  }
  Description(const Description&) = delete;
  Description& operator=(const Description&) = delete;

  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t weight = nullptr, x = nullptr, out = nullptr;

 private:
  template <typename T>
  void set(cublasLtMatmulDescAttributes_t attribute, T value) {
    check(cublasLtMatmulDescSetAttribute(operation, attribute, &value, sizeof value), m_,
          "attribute");
  }
  void lay_out(cublasLtMatrixLayout_t* layout, cudaDataType_t type, std::int64_t rows,
               std::int64_t columns, std::int64_t stride) {
    check(cublasLtMatrixLayoutCreate(layout, type, static_cast<std::uint64_t>(rows),
                                     static_cast<std::uint64_t>(columns), stride),
          m_, "layout");
  }
  const Matmul& m_;
};

// The largest power of two up to 256 that the address is a multiple of.
std::uint32_t alignment(const void* address) {
  const auto bits = reinterpret_cast<std::uintptr_t>(address);
  std::uint32_t aligned = 256;
  while (bits % aligned != 0) aligned /= 2;
  return aligned;
}

cublasLtMatmulAlgo_t ask_for_algorithm(cublasLtHandle_t handle, const Description& description,
                                       const Matmul& m) {
  cublasLtMatmulPreference_t preference = nullptr;
  check(cublasLtMatmulPreferenceCreate(&preference), m, "preference");
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, auto value) {
    check(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value), m,
          "preference");
  };
  prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{kMatmulWorkspaceBytes});
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(m.weight));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(m.x));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(m.out));
  prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(m.out));
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      handle, description.operation, description.weight, description.x, description.out,
      description.out, preference, 1, &best, &found);
  cublasLtMatmulPreferenceDestroy(preference);
  check(found > 0 ? status : CUBLAS_STATUS_NOT_SUPPORTED, m, "no algorithm");
  return best.algo;
}

class Algorithms {
 public:
  static Algorithms& of_this_process() {
    static Algorithms algorithms;
    return algorithms;
  }

  // A handle belongs to the device that was current when it was made.
  std::pair<cublasLtHandle_t, cublasLtMatmulAlgo_t> find(const Description& description,
                                                         const Matmul& m) {
    int device = 0;
    if (cudaGetDevice(&device) != cudaSuccess) throw std::runtime_error("no CUDA device");
    const Key key{device,          m.rows,         m.columns,
                  m.inner,         m.x_stride,     m.weight_stride,
                  m.out_stride,    m.gelu,         m.bias != nullptr,
                  m.float_out,     alignment(m.x), alignment(m.weight),
                  alignment(m.out)};
    const std::scoped_lock lock(mutex_);
    cublasLtHandle_t& handle = handles_[device];
    if (handle == nullptr) check(cublasLtCreate(&handle), m, "cuBLASLt");
    const auto known = known_.find(key);
    if (known != known_.end()) return {handle, known->second};
    return {handle, known_.emplace(key, ask_for_algorithm(handle, description, m)).first->second};
  }

 private:
  using Key =
      std::tuple<int, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                 std::int64_t, bool, bool, bool, std::uint32_t, std::uint32_t, std::uint32_t>;
  std::mutex mutex_;
  std::map<int, cublasLtHandle_t> handles_;
  std::map<Key, cublasLtMatmulAlgo_t> known_;
};

}  // namespace

void multiply(const Matmul& m, void* workspace, cudaStream_t stream) {
  const Description description(m);
  const auto [handle, algorithm] = Algorithms::of_this_process().find(description, m);
  const float zero = 0;
  check(cublasLtMatmul(handle, description.operation, &m.factor, m.weight, description.weight, m.x,
                       description.x, &zero, m.out, description.out, m.out, description.out,
                       &algorithm, workspace, kMatmulWorkspaceBytes, stream),
        m, "launch");
}

}  // namespace pirouette::flux::cuda
