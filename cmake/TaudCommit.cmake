# Which commit the programs are of: taud_commit.h, with TAUD_COMMIT. Looked up at
# every build, written when it has changed. Where there is no git, as in an
# archive of the sources, the variable TAUD_COMMIT says it.

if(CMAKE_SCRIPT_MODE_FILE)
  set(commit "${TAUD_COMMIT}")
  if(commit STREQUAL "")
    execute_process(
      COMMAND git describe --always --dirty --abbrev=12 --exclude=*
      WORKING_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE commit
      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  endif()
  if(commit STREQUAL "")
    set(commit unknown)
  endif()
  file(CONFIGURE OUTPUT ${OUTPUT}
    CONTENT "#define TAUD_COMMIT \"${commit}\"\n")
  return()
endif()

set(TAUD_COMMIT "" CACHE STRING "The commit of these sources, if git cannot say")

set(TAUD_COMMIT_DIR ${CMAKE_BINARY_DIR}/generated_commit)
add_custom_target(taud_commit_header
  COMMAND ${CMAKE_COMMAND} -DTAUD_COMMIT=${TAUD_COMMIT}
          -DSOURCE_DIR=${CMAKE_SOURCE_DIR}
          -DOUTPUT=${TAUD_COMMIT_DIR}/taud_commit.h
          -P ${CMAKE_CURRENT_LIST_FILE}
  BYPRODUCTS ${TAUD_COMMIT_DIR}/taud_commit.h
  VERBATIM)
add_library(taud_commit INTERFACE)
target_include_directories(taud_commit INTERFACE ${TAUD_COMMIT_DIR})
add_dependencies(taud_commit taud_commit_header)
