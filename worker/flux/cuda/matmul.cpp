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

// Of cuBLASLt's proposals for FLUX.1's large products, those that measured fastest on an H100 with
// cuBLAS 13 (docs/gpu.md), by its numbers of tile and cluster. A version that does not propose them
// gets its first.
struct Preferred {
  std::int64_t columns, inner;
  bool gelu;
  std::uint32_t tile;
  std::uint16_t cluster;
};
constexpr Preferred kPreferred[] = {{9216, 3072, false, 24, 5}, {3072, 15360, false, 29, 3}};
constexpr std::int64_t kPreferredRowsMin = 4096;
constexpr int kProposals = 12;

template <typename T>
T attribute_of(const cublasLtMatmulAlgo_t& algorithm, cublasLtMatmulAlgoConfigAttributes_t which) {
  T value = 0;
  std::size_t written = 0;
  cublasLtMatmulAlgoConfigGetAttribute(&algorithm, which, &value, sizeof value, &written);
  return value;
}

cublasLtMatmulAlgo_t choose(const std::vector<cublasLtMatmulAlgo_t>& proposals, const Matmul& m) {
  for (const Preferred& preferred : kPreferred) {
    if (m.rows < kPreferredRowsMin || m.columns != preferred.columns ||
        m.inner != preferred.inner || m.gelu != preferred.gelu)
      continue;
    for (const cublasLtMatmulAlgo_t& one : proposals)
      if (attribute_of<std::uint32_t>(one, CUBLASLT_ALGO_CONFIG_TILE_ID) == preferred.tile &&
          attribute_of<std::uint16_t>(one, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID) ==
              preferred.cluster)
        return one;
  }
  return proposals.front();
}

// The largest power of two up to 256 that the address is a multiple of.
std::uint32_t alignment(const void* address) {
  const auto bits = reinterpret_cast<std::uintptr_t>(address);
  std::uint32_t aligned = 256;
  while (bits % aligned != 0) aligned /= 2;
  return aligned;
}

std::vector<cublasLtMatmulAlgo_t> ask_for_algorithms(cublasLtHandle_t handle,
                                                     const Description& description,
                                                     const Matmul& m, int most) {
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
  check(found > 0 ? status : CUBLAS_STATUS_NOT_SUPPORTED, m, "no algorithm");
  std::vector<cublasLtMatmulAlgo_t> algorithms;
  for (int i = 0; i < found; ++i) algorithms.push_back(results[static_cast<std::size_t>(i)].algo);
  return algorithms;
}

void launch(cublasLtHandle_t handle, const Description& description, const Matmul& m,
            const cublasLtMatmulAlgo_t& algorithm, void* workspace, cudaStream_t stream) {
  const float zero = 0;
  check(cublasLtMatmul(handle, description.operation, &m.factor, m.weight, description.weight, m.x,
                       description.x, &zero, m.out, description.out, m.out, description.out,
                       &algorithm, workspace, kMatmulWorkspaceBytes, stream),
        m, "launch");
}

std::string describe(const cublasLtMatmulAlgo_t& algorithm) {
  const std::pair<const char*, cublasLtMatmulAlgoConfigAttributes_t> attributes[] = {
      {"algorithm", CUBLASLT_ALGO_CONFIG_ID},
      {"tile", CUBLASLT_ALGO_CONFIG_TILE_ID},
      {"stages", CUBLASLT_ALGO_CONFIG_STAGES_ID},
      {"cluster", CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID},
      {"split", CUBLASLT_ALGO_CONFIG_SPLITK_NUM},
      {"swizzle", CUBLASLT_ALGO_CONFIG_CTA_SWIZZLING},
      {"custom", CUBLASLT_ALGO_CONFIG_CUSTOM_OPTION}};
  std::string text;
  for (const auto& [name, attribute] : attributes) {
    std::uint64_t value = 0;  // some are two bytes wide, some four
    std::size_t written = 0;
    cublasLtMatmulAlgoConfigGetAttribute(&algorithm, attribute, &value, sizeof(std::uint32_t),
                                         &written);
    if (written == 0)
      cublasLtMatmulAlgoConfigGetAttribute(&algorithm, attribute, &value, sizeof(std::uint16_t),
                                           &written);
    text += std::string(name) + ' ' + std::to_string(value) + ' ';
  }
  return text;
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
    const auto best = choose(ask_for_algorithms(handle, description, m, kProposals), m);
    return {handle, known_.emplace(key, best).first->second};
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
  launch(handle, description, m, algorithm, workspace, stream);
}

std::vector<Proposal> time_proposals(const Matmul& m, int most, void* workspace,
                                     cudaStream_t stream) {
  constexpr int kRounds = 3, kInARow = 8;
  const Description description(m);
  cublasLtHandle_t handle = Algorithms::of_this_process().find(description, m).first;
  const auto algorithms = ask_for_algorithms(handle, description, m, most);
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

}  // namespace pirouette::flux::cuda
