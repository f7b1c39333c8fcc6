#ifndef TAUD_SERVER_LIFECYCLE_MESSAGE_FILE_H_
#define TAUD_SERVER_LIFECYCLE_MESSAGE_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "google/protobuf/message.h"

namespace taud::server {

// A message as JSON in a small file (store/files/small_file.h) that is replaced
// as a whole. Plain functions; one writer a path at a time. Both wait for the
// disk: no mutex that others want may be held.

// The directory is made if it is not there.
absl::Status ReplaceMessageFile(const std::string& path,
                                const google::protobuf::Message& message);

// Fills in *message; leaves it empty if there is no file. A file that is
// damaged, or larger than `limit` bytes, is renamed to `<path>.damaged` and
// logged with `lost`, which says what that means, and *message is empty.
void LoadMessageFile(const std::string& path, uint64_t limit,
                     const std::string& lost,
                     google::protobuf::Message* message);

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_MESSAGE_FILE_H_
