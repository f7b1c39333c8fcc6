#include "store/files/snapshot_parts.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"
#include "store/files/npy.h"
#include "store/files/synced_file.h"

namespace taud::store {
namespace {

constexpr char kUsersFile[] = "users.npy";
constexpr char kItemsFile[] = "items.npy";
constexpr char kTemperaturesFile[] = "temperatures.npy";
constexpr char kUserDegreeFile[] = "user_degree.npy";
constexpr char kUserBehindFile[] = "user_behind.npy";
// By item how many neighbours it has; theirs, one item behind the other.
constexpr char kNeighbourCountFile[] = "neighbour_count.npy";
constexpr char kNeighbourItemsFile[] = "neighbour_items.npy";
constexpr char kNeighbourWeightsFile[] = "neighbour_weights.npy";
constexpr char kItemPopularityFile[] = "item_popularity.npy";
constexpr char kUserIdsFile[] = "user_ids.txt";
constexpr char kItemIdsFile[] = "item_ids.txt";

// Names that are copied while an erasure waits.
constexpr size_t kNamesPerLock = 1024;
constexpr size_t kIdBufferBytes = size_t{1} << 18;

std::string Join(const std::string& directory, absl::string_view name) {
  return absl::StrCat(directory, "/", name);
}

absl::Status WithFile(const std::string& path, const absl::Status& status) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat(path, " ", status.message()));
}

absl::StatusOr<FileDigest> WriteArray(const std::string& path,
                                      const NpyHeader& header,
                                      const void* values, size_t bytes) {
  SyncedFile file(path);
  file.Write(EncodeNpyHeader(header));
  file.Write(values, bytes);
  return file.Finish();
}

absl::StatusOr<FileDigest> WriteMatrix(const std::string& path,
                                       const model::Matrix& matrix) {
  return WriteArray(path, {NpyType::kFloat32, {matrix.rows, matrix.cols}},
                    matrix.values.data(), matrix.values.size() * sizeof(float));
}

template <typename T>
absl::StatusOr<FileDigest> WriteVector(const std::string& path, NpyType type,
                                       const std::vector<T>& values) {
  static_assert(sizeof(T) == 4);
  return WriteArray(path, {type, {values.size()}}, values.data(),
                    values.size() * sizeof(T));
}

absl::StatusOr<FileDigest> WriteIds(const std::string& path, size_t rows,
                                    const model::Dictionary& ids) {
  SyncedFile file(path);
  std::vector<std::string> names;
  for (size_t row = 0; row < rows; row += names.size()) {
    // Copied under the lock, some at a time: an erasure frees a name, and is
    // not to wait for the disk.
    names.clear();
    {
      const model::Dictionary::NamesLock lock(ids);
      for (size_t r = row; r < std::min(rows, row + kNamesPerLock); ++r) {
        names.emplace_back(ids.Name(static_cast<uint32_t>(r)));
      }
    }
    try {
      for (const std::string& name : names) {
        file.Write(absl::StrCat(nlohmann::json(name).dump(), "\n"));
      }
    } catch (const std::exception& error) {
      return absl::InvalidArgumentError(absl::StrCat(
          path, " rows from ", row, " on cannot be written: ", error.what()));
    }
  }
  return file.Finish();
}

// Writes files into a directory and enters them into the manifest, until one
// fails.
class PartsWriter {
 public:
  PartsWriter(std::string directory, SnapshotManifest* manifest)
      : directory_(std::move(directory)), manifest_(manifest) {}

  template <typename Write>
  void Part(const char* name, Write write) {
    if (!status_.ok()) return;
    const absl::StatusOr<FileDigest> digest = write(Join(directory_, name));
    if (digest.ok()) {
      manifest_->files[name] = *digest;
    } else {
      status_ = digest.status();
    }
  }
  const absl::Status& status() const { return status_; }

 private:
  const std::string directory_;
  SnapshotManifest* const manifest_;
  absl::Status status_;
};

// The lists of neighbours, flat.
struct FlatNeighbours {
  std::vector<uint32_t> counts;  // [items]
  std::vector<uint32_t> items;
  std::vector<float> weights;
};

FlatNeighbours Flatten(const model::NeighbourLists& lists) {
  FlatNeighbours flat;
  for (model::ItemIndex item = 0; item < lists.size(); ++item) {
    const auto list = lists.Of(item);
    flat.counts.push_back(static_cast<uint32_t>(list.size()));
    for (const model::Neighbour& one : list) {
      flat.items.push_back(one.item);
      flat.weights.push_back(one.weight);
    }
  }
  return flat;
}

absl::Status Unflatten(const std::string& directory, const FlatNeighbours& flat,
                       model::NeighbourLists* lists) {
  lists->Grow(flat.counts.size());
  size_t next = 0;
  bool enough = true;
  for (model::ItemIndex item = 0; item < flat.counts.size(); ++item) {
    enough = flat.counts[item] <= flat.items.size() - next;
    if (!enough) break;
    model::NeighbourList list;
    for (uint32_t k = 0; k < flat.counts[item]; ++k, ++next) {
      list.push_back({flat.items[next], flat.weights[next]});
    }
    lists->Set(item, std::move(list));
  }
  if (enough && next == flat.items.size()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      Join(directory, kNeighbourCountFile), " does not go with the ",
      flat.items.size(), " values of ", kNeighbourItemsFile));
}

absl::Status WriteManifest(const std::string& directory,
                           const SnapshotManifest& manifest) {
  const absl::StatusOr<std::string> text = FormatManifest(manifest);
  if (!text.ok()) return text.status();
  SyncedFile file(Join(directory, kManifestFile));
  file.Write(*text);
  return file.Finish().status();
}

absl::Status CheckDigest(const std::string& path, FileReader* reader,
                         const FileDigest& expected) {
  const uint32_t actual = reader->FinishCrc32c();
  if (actual == expected.crc32c) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrFormat("%s has CRC32C %08x, the manifest says %08x", path,
                      actual, expected.crc32c));
}

// Opens a file of the manifest if it has the size the manifest says.
absl::StatusOr<FileReader> OpenPart(const std::string& path,
                                    const FileDigest& expected) {
  absl::StatusOr<FileReader> reader = FileReader::Open(path);
  if (!reader.ok()) return MissingIsDamage(reader.status());
  if (reader->size() != expected.bytes) {
    return absl::DataLossError(absl::StrCat(path, " has ", reader->size(),
                                            " bytes, the manifest says ",
                                            expected.bytes));
  }
  return reader;
}

// Reads an array of the shape the manifest demands. Nothing is allocated
// before the file is known to hold that much.
template <typename T>
absl::Status ReadArray(const std::string& path, const FileDigest& expected,
                       const NpyHeader& header, std::vector<T>* values) {
  static_assert(sizeof(T) == 4);
  const absl::StatusOr<uint64_t> value_bytes = NpyValueBytes(header);
  if (!value_bytes.ok()) return WithFile(path, value_bytes.status());
  if (expected.bytes < kNpyHeaderBytes ||
      expected.bytes - kNpyHeaderBytes != *value_bytes) {
    return absl::DataLossError(
        absl::StrCat(path, " has ", expected.bytes, " bytes, its shape needs ",
                     *value_bytes, " and a header of ", kNpyHeaderBytes));
  }
  absl::StatusOr<FileReader> reader = OpenPart(path, expected);
  if (!reader.ok()) return reader.status();
  std::string head(kNpyHeaderBytes, '\0');
  absl::Status status = reader->Read(head.data(), head.size());
  if (status.ok()) status = WithFile(path, CheckNpyHeader(head, header));
  if (!status.ok()) return status;
  values->resize(*value_bytes / sizeof(T));
  status = reader->Read(values->data(), *value_bytes);
  if (!status.ok()) return status;
  return CheckDigest(path, &*reader, expected);
}

absl::Status CheckIds(const std::string& path, const FileDigest& expected,
                      uint64_t rows) {
  absl::StatusOr<FileReader> reader = OpenPart(path, expected);
  if (!reader.ok()) return reader.status();
  std::string buffer(kIdBufferBytes, '\0');
  uint64_t lines = 0;
  char last = '\n';
  for (uint64_t left = expected.bytes; left > 0;) {
    const size_t n = std::min<uint64_t>(left, buffer.size());
    absl::Status status = reader->Read(buffer.data(), n);
    if (!status.ok()) return status;
    lines += static_cast<uint64_t>(
        std::count(buffer.data(), buffer.data() + n, '\n'));
    last = buffer[n - 1];
    left -= n;
  }
  if (lines != rows || last != '\n') {
    return absl::DataLossError(
        absl::StrCat(path, " has ", lines, " lines, expected ", rows));
  }
  return CheckDigest(path, &*reader, expected);
}

// Reads the files of a manifest, until one fails.
class PartsReader {
 public:
  PartsReader(std::string directory, const SnapshotManifest& manifest)
      : directory_(std::move(directory)), manifest_(manifest) {}

  // read(path, digest)
  template <typename Read>
  void Part(const char* name, Read read) {
    if (!status_.ok()) return;
    const std::string path = Join(directory_, name);
    const auto entry = manifest_.files.find(name);
    if (entry == manifest_.files.end()) {
      status_ =
          absl::DataLossError(absl::StrCat(path, " is not in ", kManifestFile));
      return;
    }
    status_ = read(path, entry->second);
  }
  void Matrix(const char* name, uint64_t rows, uint64_t cols,
              model::Matrix* matrix) {
    Part(name, [&](const std::string& path, const FileDigest& digest) {
      matrix->rows = rows;
      matrix->cols = cols;
      return ReadArray(path, digest, {NpyType::kFloat32, {rows, cols}},
                       &matrix->values);
    });
  }
  template <typename T>
  void Vector(const char* name, NpyType type, uint64_t rows,
              std::vector<T>* values) {
    Part(name, [&](const std::string& path, const FileDigest& digest) {
      return ReadArray(path, digest, {type, {rows}}, values);
    });
  }
  // As many values as the file has bytes for.
  template <typename T>
  void VectorOfAnyLength(const char* name, NpyType type,
                         std::vector<T>* values) {
    const auto entry = manifest_.files.find(name);
    const uint64_t bytes =
        entry == manifest_.files.end() ? 0 : entry->second.bytes;
    Vector(name, type,
           bytes < kNpyHeaderBytes ? 0 : (bytes - kNpyHeaderBytes) / sizeof(T),
           values);
  }
  void Ids(const char* name, uint64_t rows) {
    Part(name, [&](const std::string& path, const FileDigest& digest) {
      return CheckIds(path, digest, rows);
    });
  }
  const absl::Status& status() const { return status_; }

 private:
  const std::string directory_;
  const SnapshotManifest& manifest_;
  absl::Status status_;
};

}  // namespace

absl::Status MissingIsDamage(const absl::Status& status) {
  if (absl::IsNotFound(status)) return absl::DataLossError(status.message());
  return status;
}

absl::Status WriteSnapshotParts(const std::string& directory,
                                const model::Snapshot& s,
                                const model::Dictionary& users,
                                const model::Dictionary& items) {
  SnapshotManifest manifest;
  manifest.info.version = s.version;
  manifest.info.trained_through = s.trained_through;
  manifest.info.created_ms = s.created_ms;
  manifest.info.users = s.users.rows;
  manifest.info.items = s.items.rows;
  manifest.info.dim = s.dim();
  manifest.info.metrics = s.metrics;
  manifest.tau0 = s.tau0;
  PartsWriter writer(directory, &manifest);
  writer.Part(kUsersFile,
              [&](const auto& path) { return WriteMatrix(path, s.users); });
  writer.Part(kItemsFile,
              [&](const auto& path) { return WriteMatrix(path, s.items); });
  writer.Part(kTemperaturesFile, [&](const auto& path) {
    return WriteVector(path, NpyType::kFloat32, s.temperatures);
  });
  writer.Part(kUserDegreeFile, [&](const auto& path) {
    return WriteVector(path, NpyType::kUint32, s.user_degree);
  });
  if (!s.user_behind.empty()) {
    writer.Part(kUserBehindFile, [&](const auto& path) {
      return WriteVector(path, NpyType::kUint32, s.user_behind);
    });
  }
  if (s.neighbours.size() > 0) {
    const FlatNeighbours flat = Flatten(s.neighbours);
    writer.Part(kNeighbourCountFile, [&](const auto& path) {
      return WriteVector(path, NpyType::kUint32, flat.counts);
    });
    writer.Part(kNeighbourItemsFile, [&](const auto& path) {
      return WriteVector(path, NpyType::kUint32, flat.items);
    });
    writer.Part(kNeighbourWeightsFile, [&](const auto& path) {
      return WriteVector(path, NpyType::kFloat32, flat.weights);
    });
  }
  writer.Part(kItemPopularityFile, [&](const auto& path) {
    return WriteVector(path, NpyType::kUint32, s.item_popularity);
  });
  writer.Part(kUserIdsFile, [&](const auto& path) {
    return WriteIds(path, s.users.rows, users);
  });
  writer.Part(kItemIdsFile, [&](const auto& path) {
    return WriteIds(path, s.items.rows, items);
  });
  if (!writer.status().ok()) return writer.status();
  absl::Status status = WriteManifest(directory, manifest);
  if (status.ok()) status = SyncDirectory(directory);
  return status;
}

absl::Status ReadSnapshotParts(const std::string& directory,
                               const SnapshotManifest& manifest,
                               model::Snapshot* snapshot) {
  const SnapshotInfo& info = manifest.info;
  PartsReader reader(directory, manifest);
  reader.Matrix(kUsersFile, info.users, info.dim, &snapshot->users);
  reader.Matrix(kItemsFile, info.items, info.dim, &snapshot->items);
  reader.Vector(kTemperaturesFile, NpyType::kFloat32, info.users,
                &snapshot->temperatures);
  reader.Vector(kUserDegreeFile, NpyType::kUint32, info.users,
                &snapshot->user_degree);
  // Snapshots of before there was one have none.
  if (manifest.files.count(kUserBehindFile) > 0) {
    reader.Vector(kUserBehindFile, NpyType::kUint32, info.users,
                  &snapshot->user_behind);
  }
  FlatNeighbours flat;
  if (manifest.files.count(kNeighbourCountFile) > 0) {
    reader.VectorOfAnyLength(kNeighbourCountFile, NpyType::kUint32,
                             &flat.counts);
    reader.VectorOfAnyLength(kNeighbourItemsFile, NpyType::kUint32,
                             &flat.items);
    reader.Vector(kNeighbourWeightsFile, NpyType::kFloat32, flat.items.size(),
                  &flat.weights);
  }
  reader.Vector(kItemPopularityFile, NpyType::kUint32, info.items,
                &snapshot->item_popularity);
  reader.Ids(kUserIdsFile, info.users);
  reader.Ids(kItemIdsFile, info.items);
  if (!reader.status().ok()) return reader.status();
  return Unflatten(directory, flat, &snapshot->neighbours);
}

}  // namespace taud::store
