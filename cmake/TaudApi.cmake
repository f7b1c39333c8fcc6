# The API's protos with their comments as C++: api_descriptors.cc, of which the
# daemon makes /openapi.json (server/api/openapi.h).

if(CMAKE_SCRIPT_MODE_FILE)
  file(READ ${INPUT} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  file(WRITE ${OUTPUT} "#include \"server/api/openapi.h\"\n\n"
    "namespace taud::server {\nnamespace {\n\n"
    "constexpr unsigned char kBytes[] = {${bytes}};\n\n}  // namespace\n\n"
    "absl::string_view ApiDescriptors() {\n"
    "  return {reinterpret_cast<const char*>(kBytes), sizeof(kBytes)};\n}\n\n"
    "}  // namespace taud::server\n")
  return()
endif()

set(TAUD_API_PROTO_NAMES catalog_service error_details ingestion_service
    model_service recommendation_service types)
set(TAUD_API_PROTOS)
foreach(name ${TAUD_API_PROTO_NAMES})
  list(APPEND TAUD_API_PROTOS ${CMAKE_SOURCE_DIR}/proto/taud/v1/${name}.proto)
endforeach()
set(TAUD_API_DESCRIPTORS ${CMAKE_BINARY_DIR}/generated_api/api_descriptors.cc)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated_api)
add_custom_command(
  OUTPUT ${TAUD_API_DESCRIPTORS}
  COMMAND protobuf::protoc -I ${CMAKE_SOURCE_DIR}/proto --include_imports
          --include_source_info
          --descriptor_set_out=${CMAKE_BINARY_DIR}/generated_api/api.protoset
          ${TAUD_API_PROTOS}
  COMMAND ${CMAKE_COMMAND}
          -DINPUT=${CMAKE_BINARY_DIR}/generated_api/api.protoset
          -DOUTPUT=${TAUD_API_DESCRIPTORS} -P ${CMAKE_CURRENT_LIST_FILE}
  DEPENDS ${TAUD_API_PROTOS} ${CMAKE_CURRENT_LIST_FILE}
  VERBATIM)
