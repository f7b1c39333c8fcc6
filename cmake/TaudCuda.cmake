# Whether the program can learn and search on a GPU. TAUD_WITH_CUDA:
#   AUTO  if there is a CUDA compiler (the default)
#   ON    or the configuration fails, saying what is missing
#   OFF   never
# What it takes is the CUDA toolkit alone: the runtime is linked statically, so
# that the same binary starts where there is no driver.

set(TAUD_WITH_CUDA AUTO CACHE STRING "Learn and search on a GPU: AUTO, ON, OFF")
set_property(CACHE TAUD_WITH_CUDA PROPERTY STRINGS AUTO ON OFF)
if(NOT TAUD_WITH_CUDA MATCHES "^(AUTO|ON|OFF)$")
  message(FATAL_ERROR
    "TAUD_WITH_CUDA is ${TAUD_WITH_CUDA}, allowed: AUTO, ON, OFF")
endif()

set(TAUD_CUDA OFF)
set(TAUD_CUDA_SUMMARY "no: TAUD_WITH_CUDA is OFF")
if(NOT TAUD_WITH_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  if(NOT CMAKE_CUDA_COMPILER)
    find_program(TAUD_NVCC nvcc HINTS ENV CUDA_HOME ENV CUDA_PATH /usr/local/cuda
      PATH_SUFFIXES bin)
    if(TAUD_NVCC)
      set(CMAKE_CUDA_COMPILER ${TAUD_NVCC})
    endif()
  endif()
  # Machine code for Ampere, Ada and Hopper, and code that the driver compiles
  # for what comes after.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES "80-real;90" CACHE STRING
      "GPUs to compile for, as CMake writes them")
  endif()
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(CMAKE_CUDA_STANDARD 17)
    set(CMAKE_CUDA_STANDARD_REQUIRED ON)
    find_package(CUDAToolkit QUIET)
  endif()
  if(NOT CMAKE_CUDA_COMPILER)
    set(TAUD_CUDA_SUMMARY
      "no: no nvcc in PATH, $CUDA_HOME/bin or /usr/local/cuda/bin")
  elseif(NOT TARGET CUDA::cudart_static)
    set(TAUD_CUDA_SUMMARY
      "no: nvcc is there, the toolkit's static runtime is not")
  else()
    set(TAUD_CUDA ON)
    set(TAUD_CUDA_SUMMARY
      "yes: CUDA ${CUDAToolkit_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
  endif()
  if(TAUD_WITH_CUDA STREQUAL "ON" AND NOT TAUD_CUDA)
    message(FATAL_ERROR "TAUD_WITH_CUDA is ON. GPU: ${TAUD_CUDA_SUMMARY}")
  endif()
endif()

# taud_cuda_sources(TARGET FILE …): kernels, where there is CUDA.
function(taud_cuda_sources target)
  if(NOT TAUD_CUDA)
    return()
  endif()
  target_sources(${target} PRIVATE ${ARGN})
  target_link_libraries(${target} PUBLIC CUDA::cudart_static)
endfunction()
