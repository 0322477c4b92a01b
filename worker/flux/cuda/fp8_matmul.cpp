#include "worker/flux/cuda/fp8_matmul.h"

#include <cublasLt.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

namespace pirouette::flux::cuda {

#if defined(CUBLAS_VERSION) && CUBLAS_VERSION >= 120900
namespace {

std::string describe(const Fp8Matmul& m) {
  return "a float8 product of " + std::to_string(m.rows) + " x " + std::to_string(m.inner) +
         " by " + std::to_string(m.columns);
}

void check(cublasStatus_t status, const Fp8Matmul& m, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(describe(m) + ": " + what + ": " + cublasLtGetStatusString(status));
}

// As matmul.cpp's: cuBLASLt counts columns first, so this is out^T = weight x^T.
class Description {
 public:
  explicit Description(const Fp8Matmul& m) : m_(m) {
    check(cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), m, "description");
    set(CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
    set(CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
    set(CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});
    set(CUBLASLT_MATMUL_DESC_A_SCALE_MODE, CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F);
    set(CUBLASLT_MATMUL_DESC_B_SCALE_MODE, CUBLASLT_MATMUL_MATRIX_SCALE_OUTER_VEC_32F);
    set(CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, static_cast<const void*>(m.weight_scales));
    set(CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, static_cast<const void*>(m.x_scales));
    if (m.bias != nullptr) {
      set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
      set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, m.bias);
      set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_16BF);
    }
    lay_out(&weight, CUDA_R_8F_E4M3, m.inner, m.columns, m.weight_stride);
    lay_out(&x, CUDA_R_8F_E4M3, m.inner, m.rows, m.x_stride);
    lay_out(&out, CUDA_R_16BF, m.columns, m.rows, m.out_stride);
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
  const Fp8Matmul& m_;
};

// The largest power of two up to 256 that the address is a multiple of.
std::uint32_t alignment(const void* address) {
  const auto bits = reinterpret_cast<std::uintptr_t>(address);
  std::uint32_t aligned = 256;
  while (bits % aligned != 0) aligned /= 2;
  return aligned;
}

// None for some shapes.
std::vector<cublasLtMatmulAlgo_t> ask_for_algorithms(cublasLtHandle_t handle,
                                                     const Description& description,
                                                     const Fp8Matmul& m, int most) {
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
  std::vector<cublasLtMatmulHeuristicResult_t> results(static_cast<std::size_t>(most));
  int found = 0;
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      handle, description.operation, description.weight, description.x, description.out,
      description.out, preference, most, results.data(), &found);
  cublasLtMatmulPreferenceDestroy(preference);
  std::vector<cublasLtMatmulAlgo_t> algorithms;
  if (status == CUBLAS_STATUS_NOT_SUPPORTED) return algorithms;
  check(status, m, "asking for an algorithm");
  for (int i = 0; i < found; ++i) algorithms.push_back(results[static_cast<std::size_t>(i)].algo);
  return algorithms;
}

void launch(cublasLtHandle_t handle, const Description& description, const Fp8Matmul& m,
            const cublasLtMatmulAlgo_t& algorithm, void* workspace, cudaStream_t stream) {
  const float one = 1, zero = 0;
  check(cublasLtMatmul(handle, description.operation, &one, m.weight, description.weight, m.x,
                       description.x, &zero, m.out, description.out, m.out, description.out,
                       &algorithm, workspace, kMatmulWorkspaceBytes, stream),
        m, "launch");
}

template <typename T>
std::string number_of(const cublasLtMatmulAlgo_t& algorithm,
                      cublasLtMatmulAlgoConfigAttributes_t which) {
  T value = 0;
  std::size_t written = 0;
  cublasLtMatmulAlgoConfigGetAttribute(&algorithm, which, &value, sizeof value, &written);
  return std::to_string(value) + ' ';
}

std::string describe(const cublasLtMatmulAlgo_t& algorithm) {
  return "algorithm " + number_of<std::int32_t>(algorithm, CUBLASLT_ALGO_CONFIG_ID) + "tile " +
         number_of<std::uint32_t>(algorithm, CUBLASLT_ALGO_CONFIG_TILE_ID) + "cluster " +
         number_of<std::uint16_t>(algorithm, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID) + "custom " +
         number_of<std::uint32_t>(algorithm, CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION);
}

class Algorithms {
 public:
  static Algorithms& of_this_process() {
    static Algorithms algorithms;
    return algorithms;
  }

  // A handle belongs to the device that was current when it was made.
  cublasLtHandle_t handle(const Fp8Matmul& m) {
    int device = 0;
    if (cudaGetDevice(&device) != cudaSuccess) throw std::runtime_error("no CUDA device");
    const std::scoped_lock lock(mutex_);
    cublasLtHandle_t& handle = handles_[device];
    if (handle == nullptr) check(cublasLtCreate(&handle), m, "cuBLASLt");
    return handle;
  }

  // The first proposal, always the same for a shape; none where there is none.
  std::optional<cublasLtMatmulAlgo_t> find(cublasLtHandle_t handle, const Description& description,
                                           const Fp8Matmul& m) {
    const Key key{
        handle,          m.rows,       m.columns,         m.inner,        m.x_stride,
        m.weight_stride, m.out_stride, m.bias != nullptr, alignment(m.x), alignment(m.weight),
        alignment(m.out)};
    const std::scoped_lock lock(mutex_);
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    const auto proposed = ask_for_algorithms(handle, description, m, 1);
    std::optional<cublasLtMatmulAlgo_t> best;
    if (!proposed.empty()) best = proposed.front();
    return known_.emplace(key, best).first->second;
  }

 private:
  using Key =
      std::tuple<cublasLtHandle_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                 std::int64_t, std::int64_t, bool, std::uint32_t, std::uint32_t, std::uint32_t>;
  std::mutex mutex_;
  std::map<int, cublasLtHandle_t> handles_;
  std::map<Key, std::optional<cublasLtMatmulAlgo_t>> known_;
};

}  // namespace

bool knows_row_scales() {
  constexpr int kHopper = 9;
  int device = 0, major = 0;
  return cudaGetDevice(&device) == cudaSuccess &&
         cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device) == cudaSuccess &&
         major == kHopper;
}

bool has_product(const Fp8Matmul& m) {
  const Description description(m);
  Algorithms& algorithms = Algorithms::of_this_process();
  return algorithms.find(algorithms.handle(m), description, m).has_value();
}

bool multiply(const Fp8Matmul& m, void* workspace, cudaStream_t stream) {
  const Description description(m);
  Algorithms& algorithms = Algorithms::of_this_process();
  cublasLtHandle_t handle = algorithms.handle(m);
  const auto algorithm = algorithms.find(handle, description, m);
  if (!algorithm) return false;
  launch(handle, description, m, *algorithm, workspace, stream);
  return true;
}

std::vector<Proposal> time_proposals(const Fp8Matmul& m, int most, void* workspace,
                                     cudaStream_t stream) {
  constexpr int kRounds = 3, kInARow = 8;
  const Description description(m);
  cublasLtHandle_t handle = Algorithms::of_this_process().handle(m);
  const auto algorithms = ask_for_algorithms(handle, description, m, most);
  if (algorithms.empty()) check(CUBLAS_STATUS_NOT_SUPPORTED, m, "no algorithm");
  std::vector<Proposal> proposals(algorithms.size());
  cudaEvent_t begin = nullptr, end = nullptr;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  for (int round = 0; round < kRounds; ++round) {  // in turn, so that a warm card is fair to all
    for (std::size_t i = 0; i < algorithms.size(); ++i) {
      launch(handle, description, m, algorithms[i], workspace, stream);
      cudaEventRecord(begin, stream);
      for (int n = 0; n < kInARow; ++n)
        launch(handle, description, m, algorithms[i], workspace, stream);
      cudaEventRecord(end, stream);
      cudaEventSynchronize(end);
      float ms = 0;
      cudaEventElapsedTime(&ms, begin, end);
      const double each = static_cast<double>(ms) / kInARow;
      Proposal& proposal = proposals[i];
      proposal.ms = round == 0 ? each : std::min(proposal.ms, each);
      proposal.what = describe(algorithms[i]);
    }
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  return proposals;
}

#else

namespace {
[[noreturn]] void refuse() {
  throw std::runtime_error("float8 by cuBLASLt needs CUDA 12.9 or newer");
}
}  // namespace

bool knows_row_scales() { return false; }
bool has_product(const Fp8Matmul&) { return false; }
bool multiply(const Fp8Matmul&, void*, cudaStream_t) { refuse(); }
std::vector<Proposal> time_proposals(const Fp8Matmul&, int, void*, cudaStream_t) { refuse(); }

#endif

}  // namespace pirouette::flux::cuda
