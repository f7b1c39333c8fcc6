#include "store/files/crc32c.h"

#include <string>

#include "rocksdb/file_checksum.h"

namespace taud::store {

Crc32c::Crc32c()
    : generator_(rocksdb::GetFileChecksumGenCrc32cFactory()
                     ->CreateFileChecksumGenerator(
                         rocksdb::FileChecksumGenContext())) {}

Crc32c::Crc32c(Crc32c&&) noexcept = default;
Crc32c::~Crc32c() = default;

void Crc32c::Update(const void* data, size_t size) {
  generator_->Update(static_cast<const char*>(data), size);
}

uint32_t Crc32c::Finish() {
  generator_->Finalize();
  // Four bytes, big-endian, by its documentation.
  uint32_t value = 0;
  for (const char byte : generator_->GetChecksum()) {
    value = (value << 8) | static_cast<unsigned char>(byte);
  }
  return value;
}

uint32_t ComputeCrc32c(const void* data, size_t size) {
  Crc32c crc;
  crc.Update(data, size);
  return crc.Finish();
}

}  // namespace taud::store
