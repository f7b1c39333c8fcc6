#include "server/observe/logging.h"

#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "spdlog/sinks/base_sink.h"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace taud::server {
namespace {

bool json_format = false;

spdlog::logger& Logger() {
  static spdlog::logger& logger = *[] {
    auto* made = new spdlog::logger(
        "taud", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return logger;
}

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

LogLevel FromSpdlog(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return LogLevel::kDebug;
    case spdlog::level::info:
      return LogLevel::kInfo;
    case spdlog::level::warn:
      return LogLevel::kWarning;
    default:
      return LogLevel::kError;
  }
}

// Other rooms log with spdlog alone; their lines come out like ours.
class OtherRoomsSink : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    Log(FromSpdlog(message.level),
        absl::string_view(message.payload.data(), message.payload.size()));
  }
  void flush_() override {}
};

const char* LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      break;
  }
  return "error";
}

// Quoted only where a reader, or a program that splits at blanks, needs it.
std::string TextValue(const std::string& value) {
  const bool plain =
      !value.empty() && value.find_first_of(" \"\\=\n\r\t") == value.npos;
  if (plain) return value;
  using nlohmann::json;
  return json(value).dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

void InitLogging(absl::string_view level, absl::string_view format) {
  json_format = format == "json";
  spdlog::level::level_enum threshold = spdlog::level::info;
  for (const LogLevel l : {LogLevel::kDebug, LogLevel::kInfo,
                           LogLevel::kWarning, LogLevel::kError}) {
    if (level == LevelName(l)) threshold = SpdlogLevel(l);
  }
  Logger().set_level(threshold);
  auto others = std::make_shared<spdlog::logger>(
      "others", std::make_shared<OtherRoomsSink>());
  others->set_level(threshold);
  spdlog::set_default_logger(std::move(others));
}

bool LogEnabled(LogLevel level) {
  return Logger().should_log(SpdlogLevel(level));
}

void Log(LogLevel level, absl::string_view event,
         std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) return;
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(),
                                            absl::UTCTimeZone());
  std::string line;
  if (json_format) {
    nlohmann::ordered_json object;
    object["time"] = time;
    object["level"] = LevelName(level);
    object["event"] = std::string(event);
    for (const LogField& field : fields) {
      object[std::string(field.key)] = field.value;
    }
    line = object.dump(-1, ' ', false,
                       nlohmann::ordered_json::error_handler_t::replace);
  } else {
    line = absl::StrFormat("%s %-7s %s", time, LevelName(level), event);
    for (const LogField& field : fields) {
      absl::StrAppend(&line, " ", field.key, "=", TextValue(field.value));
    }
  }
  Logger().log(SpdlogLevel(level), line);
}

}  // namespace taud::server
