#include "store/files/checkpoint_files.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "model/sync_point.h"
#include "store/files/crc32c.h"
#include "store/files/directories.h"
#include "store/files/errno_status.h"
#include "store/files/synced_file.h"

namespace taud::store {
namespace {

namespace fs = std::filesystem;

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "arrays are written as they lie in memory");

constexpr absl::string_view kMagic = "TAUDCKPT";
constexpr uint32_t kFormat = 1;
constexpr size_t kHeaderBytes = 8 + 4 + 8 + 8 + 4;
constexpr absl::string_view kSuffix = ".checkpoint";
constexpr absl::string_view kTemporary = ".tmp";
constexpr size_t kDigits = 20;
constexpr uint64_t kMaxBytes = uint64_t{1} << 40;

enum Type : uint8_t { kFloat = 1, kU32 = 2, kU64 = 3, kDouble = 4, kBytes = 5 };

template <typename T>
void Append(T value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

void AppendCrc(std::string* out) {
  Append(ComputeCrc32c(out->data(), out->size()), out);
}

template <typename Map>
void AppendArrays(Type type, const Map& arrays, std::string* out) {
  for (const auto& [name, values] : arrays) {
    Append(static_cast<uint8_t>(type), out);
    Append(static_cast<uint32_t>(name.size()), out);
    out->append(name);
    Append(static_cast<uint64_t>(values.size()), out);
    out->append(reinterpret_cast<const char*>(values.data()),
                values.size() * sizeof(values[0]));
  }
}

// Takes fields off the front; one failed read fails all later.
class Reader {
 public:
  explicit Reader(absl::string_view rest) : rest_(rest) {}

  template <typename T>
  T Read() {
    T value{};
    const absl::string_view bytes = ReadBytes(sizeof(T));
    if (!failed_) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  absl::string_view ReadBytes(uint64_t n) {
    failed_ = failed_ || n > rest_.size();
    if (failed_) return {};
    const absl::string_view taken = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return taken;
  }
  // Replaces *values, a vector or a string, by `count` elements.
  template <typename Values>
  void ReadArray(uint64_t count, Values* values) {
    constexpr size_t kSize = sizeof(typename Values::value_type);
    failed_ = failed_ || count > rest_.size() / kSize;
    if (failed_) return;
    values->resize(count);
    const absl::string_view bytes = ReadBytes(count * kSize);
    if (count > 0) std::memcpy(values->data(), bytes.data(), bytes.size());
  }
  bool failed() const { return failed_; }
  bool empty() const { return rest_.empty(); }

 private:
  absl::string_view rest_;
  bool failed_ = false;
};

struct Header {
  uint32_t format = 0;
  model::Sequence absorbed_through = 0;
  int64_t created_ms = 0;
};

absl::StatusOr<Header> ParseHeader(absl::string_view bytes) {
  if (bytes.size() < kHeaderBytes || !absl::StartsWith(bytes, kMagic)) {
    return absl::DataLossError("is not a checkpoint");
  }
  Reader reader(bytes.substr(kMagic.size()));
  Header header;
  header.format = reader.Read<uint32_t>();
  header.absorbed_through = reader.Read<uint64_t>();
  header.created_ms = reader.Read<int64_t>();
  const auto crc = reader.Read<uint32_t>();
  if (crc != ComputeCrc32c(bytes.data(), kHeaderBytes - sizeof(crc))) {
    return absl::DataLossError("has a damaged header");
  }
  if (header.format != kFormat) {
    return absl::FailedPreconditionError(
        absl::StrCat("has format ", header.format, ", this taud knows ",
                     kFormat, "; use the taud that wrote it"));
  }
  return header;
}

// False for a type that does not exist.
bool ReadInto(uint8_t type, const std::string& name, uint64_t count,
              Reader* reader, model::TrainingState* state) {
  switch (type) {
    case kFloat:
      reader->ReadArray(count, &state->floats[name]);
      return true;
    case kU32:
      reader->ReadArray(count, &state->integers[name]);
      return true;
    case kU64:
      reader->ReadArray(count, &state->longs[name]);
      return true;
    case kDouble:
      reader->ReadArray(count, &state->doubles[name]);
      return true;
    case kBytes:
      reader->ReadArray(count, &state->texts[name]);
      return true;
    default:
      return false;
  }
}

std::string PathOf(const std::string& root, uint64_t number) {
  return absl::StrCat(root, "/", absl::StrFormat("%020d", number), kSuffix);
}

absl::Status WithFile(const std::string& path, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(path, " ", status.message()));
}

absl::Status Remove(const std::string& path) {
  if (std::remove(path.c_str()) == 0 || errno == ENOENT) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, "remove", path);
}

}  // namespace

std::string FormatCheckpoint(const model::TrainingState& state) {
  std::string out(kMagic);
  Append(kFormat, &out);
  Append(static_cast<uint64_t>(state.absorbed_through), &out);
  Append(state.created_ms, &out);
  AppendCrc(&out);
  const size_t arrays = state.floats.size() + state.integers.size() +
                        state.longs.size() + state.doubles.size() +
                        state.texts.size();
  Append(static_cast<uint32_t>(arrays), &out);
  AppendArrays(kFloat, state.floats, &out);
  AppendArrays(kU32, state.integers, &out);
  AppendArrays(kU64, state.longs, &out);
  AppendArrays(kDouble, state.doubles, &out);
  AppendArrays(kBytes, state.texts, &out);
  AppendCrc(&out);
  return out;
}

absl::StatusOr<std::unique_ptr<model::TrainingState>> ParseCheckpoint(
    absl::string_view bytes) {
  const absl::StatusOr<Header> header = ParseHeader(bytes);
  if (!header.ok()) return header.status();
  uint32_t crc = 0;
  if (bytes.size() < kHeaderBytes + sizeof(crc)) {
    return absl::DataLossError("is cut short");
  }
  const absl::string_view covered = bytes.substr(0, bytes.size() - sizeof(crc));
  std::memcpy(&crc, bytes.data() + covered.size(), sizeof(crc));
  if (crc != ComputeCrc32c(covered.data(), covered.size())) {
    return absl::DataLossError("does not match its checksum");
  }
  auto state = std::make_unique<model::TrainingState>();
  state->absorbed_through = header->absorbed_through;
  state->created_ms = header->created_ms;
  Reader reader(covered.substr(kHeaderBytes));
  const auto arrays = reader.Read<uint32_t>();
  for (uint32_t a = 0; a < arrays && !reader.failed(); ++a) {
    const auto type = reader.Read<uint8_t>();
    const auto name_bytes = reader.Read<uint32_t>();
    const std::string name(reader.ReadBytes(name_bytes));
    const auto count = reader.Read<uint64_t>();
    if (reader.failed()) break;
    if (!ReadInto(type, name, count, &reader, state.get())) {
      return absl::DataLossError(
          absl::StrCat("has an array of the unknown type ", type));
    }
  }
  if (reader.failed() || !reader.empty()) {
    return absl::DataLossError("has arrays that do not fit its size");
  }
  return state;
}

absl::StatusOr<uint64_t> SaveCheckpoint(const std::string& root,
                                        const model::TrainingState& state) {
  absl::Status status = MakeDirectories(root);
  if (!status.ok()) return status;
  const auto known = ListCheckpoints(root);
  if (!known.ok()) return known.status();
  const uint64_t number = known->empty() ? 1 : known->back().number + 1;
  const std::string path = PathOf(root, number);
  const std::string temporary = absl::StrCat(path, kTemporary);
  SyncedFile file(temporary);
  file.Write(FormatCheckpoint(state));
  TAUD_SYNC_POINT("checkpoint/written");
  status = file.Finish().status();
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, "rename", temporary);
  }
  if (!status.ok()) {
    // Only for the space; what remains is ignored.
    Remove(temporary).IgnoreError();
    return status;
  }
  TAUD_SYNC_POINT("checkpoint/renamed");
  status = SyncDirectory(root);
  if (!status.ok()) return status;
  return number;
}

absl::StatusOr<std::unique_ptr<model::TrainingState>> LoadCheckpoint(
    const std::string& root, uint64_t number) {
  const std::string path = PathOf(root, number);
  const absl::StatusOr<std::string> bytes = ReadSmallFile(path, kMaxBytes);
  if (!bytes.ok()) return bytes.status();
  auto state = ParseCheckpoint(*bytes);
  if (!state.ok()) return WithFile(path, state.status());
  return state;
}

absl::StatusOr<model::Sequence> ReadCheckpointSequence(const std::string& root,
                                                       uint64_t number) {
  const std::string path = PathOf(root, number);
  absl::StatusOr<FileReader> reader = FileReader::Open(path);
  if (!reader.ok()) return reader.status();
  std::string bytes(std::min<uint64_t>(reader->size(), kHeaderBytes), '\0');
  absl::Status status = reader->Read(bytes.data(), bytes.size());
  if (!status.ok()) return status;
  const absl::StatusOr<Header> header = ParseHeader(bytes);
  if (!header.ok()) return WithFile(path, header.status());
  return header->absorbed_through;
}

absl::StatusOr<std::vector<CheckpointInfo>> ListCheckpoints(
    const std::string& root) {
  std::vector<CheckpointInfo> found;
  const auto names = NamesIn(root);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    absl::string_view digits = name;
    CheckpointInfo info;
    if (!absl::ConsumeSuffix(&digits, kSuffix) || digits.size() != kDigits ||
        !absl::SimpleAtoi(digits, &info.number)) {
      continue;
    }
    info.path = (fs::path(root) / name).string();
    std::error_code ignored;
    const uint64_t bytes = fs::file_size(info.path, ignored);
    info.bytes = ignored ? 0 : bytes;
    found.push_back(info);
  }
  std::sort(found.begin(), found.end(),
            [](const CheckpointInfo& a, const CheckpointInfo& b) {
              return a.number < b.number;
            });
  return found;
}

absl::Status PruneCheckpoints(const std::string& root, size_t keep) {
  const auto found = ListCheckpoints(root);
  if (!found.ok()) return found.status();
  absl::Status status;
  for (size_t i = 0; i + keep < found->size() && status.ok(); ++i) {
    status = Remove((*found)[i].path);
  }
  if (!status.ok()) return status;
  const auto names = NamesIn(root);
  if (!names.ok()) return names.status();
  for (const std::string& name : *names) {
    if (!status.ok()) return status;
    if (absl::EndsWith(name, kTemporary)) {
      status = Remove(absl::StrCat(root, "/", name));
    }
  }
  if (status.ok() && !found->empty()) status = SyncDirectory(root);
  return status;
}

}  // namespace taud::store
