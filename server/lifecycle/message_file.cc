#include "server/lifecycle/message_file.h"

#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "server/observe/logging.h"
#include "store/files/directories.h"
#include "store/files/small_file.h"

namespace taud::server {
namespace {

namespace json = google::protobuf::util;

absl::Status Read(const std::string& path, uint64_t limit,
                  google::protobuf::Message* message) {
  const auto text = store::LoadSmallFile(path, limit);
  if (!text.ok() || text->empty()) return text.status();
  const auto parsed =
      json::JsonStringToMessage(*text, message, json::JsonParseOptions());
  if (parsed.ok()) return absl::OkStatus();
  return absl::DataLossError(parsed.message().as_string());
}

}  // namespace

absl::Status ReplaceMessageFile(const std::string& path,
                                const google::protobuf::Message& message) {
  std::string text;
  json::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  const auto printed = json::MessageToJsonString(message, &text, options);
  if (!printed.ok()) return absl::InternalError(printed.message().as_string());
  // A daemon that has made no snapshot yet has no directory for them.
  const absl::Status made = store::MakeDirectories(
      std::filesystem::path(path).parent_path().string());
  if (!made.ok()) return made;
  return store::ReplaceSmallFile(path, text);
}

void LoadMessageFile(const std::string& path, uint64_t limit,
                     const std::string& lost,
                     google::protobuf::Message* message) {
  message->Clear();
  const absl::Status status = Read(path, limit, message);
  if (status.ok()) return;
  message->Clear();
  const std::string aside = absl::StrCat(path, ".damaged");
  Log(LogLevel::kError, lost,
      {{"file", path},
       {"put_aside", aside},
       {"error", std::string(status.message())}});
  std::rename(path.c_str(), aside.c_str());
}

}  // namespace taud::server
