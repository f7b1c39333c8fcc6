# Finds every library once and gives each a target.

find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED)
find_package(Protobuf REQUIRED)
find_package(absl REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(RocksDB CONFIG REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(zstd CONFIG REQUIRED)
# A FAISS with GPU support is what our search on a GPU is measured against, and
# searches rows that are too wide for it; Debian's has none. Its package asks
# for CUDA's targets.
find_package(CUDAToolkit QUIET)
find_package(faiss CONFIG REQUIRED)
get_target_property(FAISS_INCLUDE_DIRS faiss INTERFACE_INCLUDE_DIRECTORIES)
find_path(FAISS_GPU_INCLUDE_DIR NAMES faiss/gpu/GpuIndexFlat.h
  PATHS ${FAISS_INCLUDE_DIRS} NO_DEFAULT_PATH)
if(FAISS_GPU_INCLUDE_DIR AND TAUD_CUDA)
  set(TAUD_FAISS_GPU ON)
  set(TAUD_FAISS_SUMMARY "for CPU and GPU")
else()
  set(TAUD_FAISS_SUMMARY "for the CPU")
endif()
find_package(prometheus-cpp CONFIG REQUIRED)
# Debian's LibTorch asks for gflags by these two variables when another
# package (RocksDB) has found it first.
find_library(GFLAGS_LIBRARY NAMES gflags)
find_path(GFLAGS_INCLUDE_DIR NAMES gflags/gflags.h)
find_package(Torch REQUIRED)
if(TORCH_CUDA_LIBRARIES)
  set(TAUD_TORCH_SUMMARY "for CPU and GPU")
else()
  set(TAUD_TORCH_SUMMARY "for the CPU: on a GPU the lab learns matrix factorisation alone")
endif()

# BLAS must be OpenBLAS: the reference one is twenty times slower.
find_library(OPENBLAS_LIBRARY NAMES openblas REQUIRED
  PATH_SUFFIXES openblas-pthread)
find_path(OPENBLAS_INCLUDE_DIR NAMES cblas.h REQUIRED
  PATH_SUFFIXES x86_64-linux-gnu/openblas-pthread openblas-pthread openblas
                x86_64-linux-gnu)
add_library(taud_openblas INTERFACE)
target_link_libraries(taud_openblas INTERFACE ${OPENBLAS_LIBRARY})
target_include_directories(taud_openblas SYSTEM INTERFACE
  ${OPENBLAS_INCLUDE_DIR})

# CRoaring: the items of a tag. Its package may have no CMake files.
find_path(ROARING_INCLUDE_DIR NAMES roaring/roaring.h REQUIRED)
find_library(ROARING_LIBRARY NAMES roaring REQUIRED)
add_library(taud_roaring INTERFACE)
target_include_directories(taud_roaring SYSTEM INTERFACE
  ${ROARING_INCLUDE_DIR})
target_link_libraries(taud_roaring INTERFACE ${ROARING_LIBRARY})

find_path(HTTPLIB_INCLUDE_DIR NAMES httplib.h REQUIRED)
find_library(HTTPLIB_LIBRARY NAMES cpp-httplib REQUIRED)
add_library(taud_httplib INTERFACE)
target_include_directories(taud_httplib SYSTEM INTERFACE
  ${HTTPLIB_INCLUDE_DIR})
# As Debian has compiled it: its classes have other members without these.
find_package(ZLIB REQUIRED)
find_path(BROTLI_INCLUDE_DIR NAMES brotli/decode.h REQUIRED)
target_compile_definitions(taud_httplib INTERFACE
  CPPHTTPLIB_OPENSSL_SUPPORT CPPHTTPLIB_ZLIB_SUPPORT CPPHTTPLIB_BROTLI_SUPPORT)
target_link_libraries(taud_httplib INTERFACE
  ${HTTPLIB_LIBRARY} OpenSSL::SSL ZLIB::ZLIB)

# Rhonabwy: JSON Web Tokens and Keys.
find_path(RHONABWY_INCLUDE_DIR NAMES rhonabwy.h REQUIRED)
find_library(RHONABWY_LIBRARY NAMES rhonabwy REQUIRED)
add_library(taud_rhonabwy INTERFACE)
target_include_directories(taud_rhonabwy SYSTEM INTERFACE
  ${RHONABWY_INCLUDE_DIR})
target_link_libraries(taud_rhonabwy INTERFACE ${RHONABWY_LIBRARY})

# How systemd is told that the daemon is ready, and lives.
find_path(SYSTEMD_INCLUDE_DIR NAMES systemd/sd-daemon.h REQUIRED)
find_library(SYSTEMD_LIBRARY NAMES systemd REQUIRED)
add_library(taud_systemd INTERFACE)
target_include_directories(taud_systemd SYSTEM INTERFACE
  ${SYSTEMD_INCLUDE_DIR})
target_link_libraries(taud_systemd INTERFACE ${SYSTEMD_LIBRARY})

# LibTorch, seen only by trainer/tensor/.
add_library(taud_torch INTERFACE)
target_link_libraries(taud_torch INTERFACE ${TORCH_LIBRARIES})
target_include_directories(taud_torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})

find_package(GTest REQUIRED)
include(GoogleTest)
