#ifndef TAUD_STORE_FILES_CRC32C_H_
#define TAUD_STORE_FILES_CRC32C_H_

#include <cstddef>
#include <cstdint>
#include <memory>

namespace rocksdb {
class FileChecksumGenerator;
}  // namespace rocksdb

namespace taud::store {

// CRC32C (Castagnoli, as in RFC 3720), piece by piece. Thread-compatible.
// RocksDB's, for it uses the processor's instruction.
class Crc32c {
 public:
  Crc32c();
  Crc32c(Crc32c&&) noexcept;
  ~Crc32c();

  void Update(const void* data, size_t size);
  // Of everything given so far; ends the computation.
  uint32_t Finish();

 private:
  std::unique_ptr<rocksdb::FileChecksumGenerator> generator_;
};

uint32_t ComputeCrc32c(const void* data, size_t size);

}  // namespace taud::store

#endif  // TAUD_STORE_FILES_CRC32C_H_
