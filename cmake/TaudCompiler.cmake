# Warnings, sanitizers and the helper that makes a room's library.

add_library(taud_compiler INTERFACE)
target_include_directories(taud_compiler INTERFACE ${CMAKE_SOURCE_DIR})
# A frame pointer costs nothing measurable and makes every profile readable.
target_compile_options(taud_compiler INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Wnon-virtual-dtor>
  $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual;-fno-omit-frame-pointer>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${TAUD_WERROR}>>:-Werror>
  $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${TAUD_WERROR}>>:-Werror=all-warnings>)
# What a back-trace needs, and no more: a third of the size of all of it.
if(TAUD_DEBUG_SYMBOLS)
  target_compile_options(taud_compiler INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-g1>)
endif()
if(TAUD_SANITIZE)
  target_compile_options(taud_compiler INTERFACE
    $<$<COMPILE_LANGUAGE:C,CXX>:-fsanitize=${TAUD_SANITIZE}>)
  target_link_options(taud_compiler INTERFACE -fsanitize=${TAUD_SANITIZE})
  if(TAUD_SANITIZE STREQUAL "thread")
    include_directories(BEFORE ${CMAKE_SOURCE_DIR}/cmake/tsan)
  endif()
  # Their checks let GCC 12 see uses of what was never set where there are none
  # (a std::variant that is moved).
  target_compile_options(taud_compiler INTERFACE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# taud_room(NAME SOURCES … DEPS …): the static library taud_NAME.
function(taud_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;DEPS" ${ARGN})
  add_library(taud_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(taud_${name} PUBLIC taud_compiler ${ROOM_DEPS})
endfunction()

# taud_test(NAME SOURCES … DEPS …): a GoogleTest binary, each case in ctest.
function(taud_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 120)
  endif()
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE taud_compiler ${TEST_DEPS}
    GTest::gmock GTest::gtest GTest::gtest_main)
  set_target_properties(${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${TEST_TIMEOUT})
endfunction()
