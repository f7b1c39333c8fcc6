// manifest.json of a snapshot and BACKUP.json.
#include <cstddef>
#include <cstdint>
#include <string>

#include "model/check.h"
#include "store/files/backup.h"
#include "store/files/snapshot_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto manifest = taud::store::ParseManifest(text);
  if (manifest.ok()) {
    const auto again = taud::store::FormatManifest(*manifest);
    TAUD_CHECK(again.ok() && *again == text);
  }
  const auto backup = taud::store::ParseBackupManifest(text);
  if (backup.ok()) {
    TAUD_CHECK(taud::store::FormatBackupManifest(*backup) == text);
  }
  return 0;
}
