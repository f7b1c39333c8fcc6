#include "store/log/write_ahead_log.h"

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "store/files/crc32c.h"
#include "store/files/directories.h"
#include "store/files/synced_file.h"

namespace taud::store {
namespace {

constexpr size_t kBlock = 32768;
constexpr size_t kHeader = 7;
constexpr uint8_t kFull = 1;
constexpr uint8_t kFirst = 2;
constexpr uint8_t kLast = 4;
// A log is rotated long before; more than this is not read into memory.
constexpr uint64_t kMaxLogBytes = uint64_t{4} << 30;

uint32_t ReadU32(const char* p) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) {
    value = (value << 8) | static_cast<unsigned char>(p[i]);
  }
  return value;
}

// Undoes RocksDB's masking of checksums.
uint32_t Unmask(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  return (rotated >> 17) | (rotated << 15);
}

struct Fragment {
  bool good = false;
  uint8_t type = 0;
  size_t bytes = 0;  // with the header
};

Fragment ReadFragment(absl::string_view rest) {
  Fragment fragment;
  const size_t length =
      static_cast<unsigned char>(rest[4]) |
      (static_cast<size_t>(static_cast<unsigned char>(rest[5])) << 8);
  fragment.type = static_cast<uint8_t>(rest[6]);
  fragment.bytes = kHeader + length;
  if (fragment.type < kFull || fragment.type > kLast) return fragment;
  if (fragment.bytes > rest.size()) return fragment;
  // The checksum is of the type and the data.
  fragment.good = ComputeCrc32c(rest.data() + 6, length + 1) ==
                  Unmask(ReadU32(rest.data()));
  return fragment;
}

// The number in a log's name; 0 for another file.
uint64_t NumberOf(const std::string& name) {
  uint64_t number = 0;
  const absl::string_view digits =
      absl::StripSuffix(absl::string_view(name), ".log");
  if (digits.size() == name.size()) return 0;
  return absl::SimpleAtoi(digits, &number) ? number : 0;
}

}  // namespace

uint64_t WholeBytes(absl::string_view log) {
  uint64_t whole = 0;
  for (size_t start = 0; start < log.size(); start += kBlock) {
    const absl::string_view block = log.substr(start, kBlock);
    for (size_t at = 0; block.size() - at >= kHeader;) {
      const Fragment fragment = ReadFragment(block.substr(at));
      if (!fragment.good) return whole;
      at += fragment.bytes;
      whole = start + at;
    }
  }
  return whole;
}

std::optional<uint64_t> FindDamage(absl::string_view log) {
  std::optional<uint64_t> bad;
  for (size_t start = 0; start < log.size(); start += kBlock) {
    const absl::string_view block = log.substr(start, kBlock);
    size_t at = 0;
    while (block.size() - at >= kHeader) {
      const Fragment fragment = ReadFragment(block.substr(at));
      if (!fragment.good) {
        if (!bad.has_value()) bad = start + at;
        // Its length cannot be trusted; the next block begins a record. But a
        // flipped bit in the data leaves the length right: try behind it.
        if (fragment.bytes > block.size() - at || fragment.bytes == kHeader) {
          break;
        }
      } else if (bad.has_value() &&
                 (fragment.type == kFull || fragment.type == kFirst)) {
        return bad;
      }
      at += fragment.bytes;
    }
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<FoundLog>> CheckWriteAheadLogs(
    const std::string& directory) {
  std::vector<FoundLog> found;
  const auto names = NamesIn(directory);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    const std::string path = absl::StrCat(directory, "/", name);
    const uint64_t number = NumberOf(name);
    if (number == 0) continue;
    const absl::StatusOr<std::string> log = ReadSmallFile(path, kMaxLogBytes);
    if (absl::IsNotFound(log.status())) continue;
    if (!log.ok()) return log.status();
    const std::optional<uint64_t> damage = FindDamage(*log);
    if (damage.has_value()) {
      return absl::DataLossError(absl::StrCat(
          path, " is damaged at byte ", *damage,
          ", and what follows it was acknowledged; restore the data directory "
          "from a backup, or, to go on without the interactions behind that "
          "byte, cut the file off there (truncate -s ",
          *damage, ") and remove ", LogListFile::PathIn(directory)));
    }
    found.push_back({number, path, WholeBytes(*log)});
  }
  std::sort(
      found.begin(), found.end(),
      [](const FoundLog& a, const FoundLog& b) { return a.number < b.number; });
  const auto list = LogListFile::Read(directory);
  if (!list.ok()) return list.status();
  if (list->has_value()) {
    absl::Status status =
        CompareLogs(**list, found, LogListFile::PathIn(directory));
    if (!status.ok()) return status;
  }
  return found;
}

}  // namespace taud::store
