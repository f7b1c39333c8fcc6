# The dashboard's files as C++: page_assets.cc, made of web/dist, which is
# committed, so that a build needs no npm (docs/dashboard.md).

if(CMAKE_SCRIPT_MODE_FILE)
  set(text "#include <cstddef>\n\n#include \"server/api/page_assets.h\"\n\nnamespace taud::server {\nnamespace {\n\n")
  set(table "")
  foreach(file index.html:text/html app.js:text/javascript page.css:text/css
          favicon.svg:image/svg+xml)
    string(REGEX REPLACE ":.*" "" name ${file})
    string(REGEX REPLACE ".*:" "" type ${file})
    string(MAKE_C_IDENTIFIER ${name} id)
    file(READ ${SOURCE_DIR}/${name} hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    string(APPEND text "constexpr unsigned char ${id}[] = {${bytes}};\n")
    if(name STREQUAL "index.html")
      set(name "")
    endif()
    string(APPEND table
      "    {\"/${name}\", \"${type}; charset=utf-8\", Bytes(${id}, sizeof(${id}))},\n")
  endforeach()
  string(APPEND text "\nabsl::string_view Bytes(const unsigned char* data, size_t size) {\n"
    "  return {reinterpret_cast<const char*>(data), size};\n}\n\n"
    "const PageAsset kAssets[] = {\n${table}};\n\n}  // namespace\n\n"
    "absl::Span<const PageAsset> PageAssets() { return kAssets; }\n\n"
    "}  // namespace taud::server\n")
  file(WRITE ${OUTPUT} "${text}")
  return()
endif()

set(TAUD_PAGE_DIR ${CMAKE_SOURCE_DIR}/web/dist)
set(TAUD_PAGE_ASSETS ${CMAKE_BINARY_DIR}/generated_page/page_assets.cc)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated_page)
add_custom_command(
  OUTPUT ${TAUD_PAGE_ASSETS}
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${TAUD_PAGE_DIR}
          -DOUTPUT=${TAUD_PAGE_ASSETS} -P ${CMAKE_CURRENT_LIST_FILE}
  DEPENDS ${TAUD_PAGE_DIR}/index.html ${TAUD_PAGE_DIR}/app.js
          ${TAUD_PAGE_DIR}/page.css ${TAUD_PAGE_DIR}/favicon.svg
          ${CMAKE_CURRENT_LIST_FILE}
  VERBATIM)
