#include "server/observe/process_families.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "server/observe/family_list.h"
#include "taud_commit.h"

namespace taud::server {
namespace {

std::string ReadFile(const char* path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file),
                     std::istreambuf_iterator<char>());
}

// When the machine was started, Unix seconds; 0 if it does not say.
double BootTime() {
  static const double boot = [] {
    const std::string stat = ReadFile("/proc/stat");
    for (const absl::string_view line : absl::StrSplit(stat, '\n')) {
      double seconds = 0;
      if (absl::StartsWith(line, "btime ") &&
          absl::SimpleAtod(line.substr(6), &seconds)) {
        return seconds;
      }
    }
    return 0.0;
  }();
  return boot;
}

// -1 if it cannot be told.
double OpenDescriptors() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return -1;
  double count = 0;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') count += 1;
  }
  closedir(directory);
  return count - 1;  // that of the directory
}

void AddTimes(const ProcessTimes& times, FamilyList* list) {
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  list->Counter("process_cpu_seconds_total",
                "Processor time of the process, user and system",
                (times.user_ticks + times.system_ticks) / ticks);
  list->Gauge("process_start_time_seconds", "When the process was started",
              BootTime() + times.start_ticks / ticks);
  list->Gauge("process_virtual_memory_bytes", "Virtual memory",
              times.virtual_bytes);
  list->Gauge(
      "process_resident_memory_bytes", "Resident memory",
      times.resident_pages * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

}  // namespace

std::optional<ProcessTimes> ParseProcessStat(absl::string_view stat) {
  // "7 (a name) R 1 …": the name may have blanks and parentheses. Behind it
  // stands field 3.
  const size_t end = stat.rfind(") ");
  if (end == absl::string_view::npos) return std::nullopt;
  const std::vector<absl::string_view> fields =
      absl::StrSplit(stat.substr(end + 2), ' ');
  ProcessTimes times;
  const struct {
    size_t number;
    double* value;
  } wanted[] = {{14, &times.user_ticks},
                {15, &times.system_ticks},
                {22, &times.start_ticks},
                {23, &times.virtual_bytes},
                {24, &times.resident_pages}};
  for (const auto& field : wanted) {
    const size_t at = field.number - 3;
    if (at >= fields.size() || !absl::SimpleAtod(fields[at], field.value)) {
      return std::nullopt;
    }
  }
  return times;
}

std::vector<prometheus::MetricFamily> ProcessFamilies() {
  FamilyList list;
  list.Gauge("taud_build_info", "1; what is running", 1,
             {{"commit", TAUD_COMMIT}, {"version", TAUD_VERSION}});
  const auto times = ParseProcessStat(ReadFile("/proc/self/stat"));
  if (times.has_value()) AddTimes(*times, &list);
  const double open = OpenDescriptors();
  if (open >= 0) list.Gauge("process_open_fds", "Open descriptors", open);
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    list.Gauge("process_max_fds", "Descriptors that it may have",
               static_cast<double>(limit.rlim_cur));
  }
  return list.Take();
}

}  // namespace taud::server
