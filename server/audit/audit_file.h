#ifndef TAUD_SERVER_AUDIT_AUDIT_FILE_H_
#define TAUD_SERVER_AUDIT_AUDIT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace taud::server {

// A file of lines that is appended to: `path`, and beside it PATH.1, the one
// before, to PATH.<keep>. For its owner only. A line is in it whole or not at
// all. One thread's.
class AuditFile {
 public:
  // With `max_bytes` or more a file is put beside.
  struct Options {
    std::string path;
    uint64_t max_bytes = 0;
    size_t keep = 0;
  };
  explicit AuditFile(Options options) : options_(std::move(options)) {}
  ~AuditFile() { Close(); }
  AuditFile(const AuditFile&) = delete;
  AuditFile& operator=(const AuditFile&) = delete;

  // Appends whole lines, and returns when they are on disk if `sync`. After an
  // error none of them is in the file. A file that somebody has taken away is
  // made anew.
  absl::Status Append(absl::string_view lines, bool sync);

 private:
  absl::Status Open();
  absl::Status Write(absl::string_view lines);
  absl::Status Rotate();
  bool IsThere() const;
  void Close();

  const Options options_;
  int fd_ = -1;
  uint64_t size_ = 0;  // of whole lines
};

}  // namespace taud::server

#endif  // TAUD_SERVER_AUDIT_AUDIT_FILE_H_
