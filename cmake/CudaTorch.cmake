# libtorch with CUDA, wherever it is: a pip-installed torch or an unpacked libtorch. Its own
# TorchConfig.cmake asks for the whole CUDA toolkit; the engine needs the compiler, the runtime and
# cuBLASLt only, so here they are taken directly. -DTorch_DIR names .../share/cmake/Torch; without
# it python3 is asked.

if(Torch_DIR)
  get_filename_component(torch_root "${Torch_DIR}/../../.." ABSOLUTE)
else()
  execute_process(COMMAND python3 -c "import torch; print(torch.__path__[0], end='')"
    OUTPUT_VARIABLE torch_root RESULT_VARIABLE failed ERROR_QUIET)
  if(failed)
    message(FATAL_ERROR "No torch: give -DTorch_DIR=.../share/cmake/Torch, or a python3 that imports torch")
  endif()
endif()
if(NOT EXISTS ${torch_root}/lib/libtorch_cuda.so)
  message(FATAL_ERROR "${torch_root} has no lib/libtorch_cuda.so: PIROUETTE_CUDA needs a torch with CUDA")
endif()

if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 90)  # H100, H200: what the kernels were measured on
endif()
set(CMAKE_CUDA_STANDARD 17)  # CMake 3.25 knows no flag of newer compilers for 20
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)

# The one that torch loads comes first: two of them in one process would be one too many.
file(GLOB nvidia_folders ${torch_root}/../nvidia/*/lib)
find_library(PIROUETTE_CUBLASLT NAMES libcublasLt.so.13 libcublasLt.so.12 cublasLt
  PATHS ${torch_root}/lib ${nvidia_folders} ${CUDAToolkit_LIBRARY_DIR} NO_DEFAULT_PATH REQUIRED)

set(TORCH_INCLUDE_DIRS ${torch_root}/include ${torch_root}/include/torch/csrc/api/include)
file(STRINGS ${torch_root}/share/cmake/Torch/TorchConfig.cmake abi
  REGEX "_GLIBCXX_USE_CXX11_ABI=[01]")
string(REGEX MATCH "-D_GLIBCXX_USE_CXX11_ABI=[01]" TORCH_CXX_FLAGS "${abi}")
# All of them are kept though few are called by name: loading them registers CUDA's operations.
set(TORCH_LIBRARIES -Wl,--no-as-needed,--unresolved-symbols=ignore-in-shared-libs
  ${torch_root}/lib/libtorch.so ${torch_root}/lib/libtorch_cpu.so ${torch_root}/lib/libtorch_cuda.so
  ${torch_root}/lib/libc10.so ${torch_root}/lib/libc10_cuda.so -Wl,--as-needed
  ${PIROUETTE_CUBLASLT})
message(STATUS "torch with CUDA: ${torch_root}, ${PIROUETTE_CUBLASLT}")
