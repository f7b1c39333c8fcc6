#include "store/log/event_db_options.h"

#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>

#include "rocksdb/cache.h"
#include "rocksdb/compaction_filter.h"
#include "rocksdb/convenience.h"
#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/table.h"
#include "spdlog/spdlog.h"
#include "store/log/event_codec.h"

namespace taud::store {
namespace {

constexpr size_t kMiB = size_t{1} << 20;
constexpr double kBloomBitsPerId = 10;

rocksdb::CompressionType FirstSupported(
    std::initializer_list<rocksdb::CompressionType> wanted) {
  const std::vector<rocksdb::CompressionType> supported =
      rocksdb::GetSupportedCompressions();
  for (const rocksdb::CompressionType type : wanted) {
    for (const rocksdb::CompressionType have : supported) {
      if (type == have) return type;
    }
  }
  return rocksdb::kNoCompression;
}

// RocksDB's own log is ours: what it warns of. Its file of it, which RocksDB
// would write itself, ends the process when the disk is full.
class InfoLog : public rocksdb::Logger {
 public:
  InfoLog() : rocksdb::Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using rocksdb::Logger::Logv;
  void LogHeader(const char*, va_list) override {}
  void Logv(const char* format, va_list arguments) override {
    char text[1024];
    vsnprintf(text, sizeof(text), format, arguments);
    spdlog::debug("rocksdb: {}", text);
  }
};

// Drops what has expired.
class ExpiryFilter : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(int64_t cutoff_ms) : cutoff_ms_(cutoff_ms) {}
  const char* Name() const override { return "taud.ExpiryFilter"; }
  bool Filter(int, const rocksdb::Slice&, const rocksdb::Slice& value,
              std::string*, bool*) const override {
    const auto accepted =
        AcceptedMsOf(std::string_view(value.data(), value.size()));
    return accepted.has_value() && *accepted < cutoff_ms_;
  }

 private:
  const int64_t cutoff_ms_;
};

class ExpiryFilterFactory : public rocksdb::CompactionFilterFactory {
 public:
  explicit ExpiryFilterFactory(Expiry expiry) : expiry_(std::move(expiry)) {}
  const char* Name() const override { return "taud.ExpiryFilterFactory"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<ExpiryFilter>(expiry_->load());
  }

 private:
  const Expiry expiry_;
};

rocksdb::ColumnFamilyOptions MakeFamilyOptions(
    Family family, const Expiry& expiry,
    const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.format_version = 5;
  // LZ4 keeps what does not repeat as it is, so that a look at the bytes shows
  // whether something erased is still there.
  options.compression = FirstSupported({rocksdb::kLZ4Compression});
  options.write_buffer_size = 8 * kMiB;
  if (family == Family::kEvents) {
    // Ascending keys: tables do not overlap and are moved, not merged. Large
    // blocks, because the log is only ever scanned.
    options.write_buffer_size = 32 * kMiB;
    table.block_size = 32 * 1024;
  }
  if (family == Family::kEventIds) {
    // Nearly every look-up is of an id never seen.
    options.write_buffer_size = 16 * kMiB;
    options.memtable_prefix_bloom_size_ratio = 0.05;
    options.memtable_whole_key_filtering = true;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerId));
  }
  const bool expires =
      family == Family::kEventIds || family == Family::kStreams;
  if (expires && expiry != nullptr) {
    options.compaction_filter_factory =
        std::make_shared<ExpiryFilterFactory>(expiry);
    // Files that nothing is written to are rewritten all the same.
    options.periodic_compaction_seconds = 24 * 60 * 60;
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

}  // namespace

const char* FamilyName(Family family) {
  switch (family) {
    case Family::kDefault:
      return "default";
    case Family::kEvents:
      return "events";
    case Family::kEventIds:
      return "event_keys";
    case Family::kUsers:
      return "users";
    case Family::kItems:
      return "items";
    case Family::kCatalogue:
      return "catalogue";
    case Family::kMeta:
      return "meta";
    case Family::kStreams:
      return "streams";
    case Family::kErasures:
      return "erasures";
    case Family::kUserProperties:
      return "user_properties";
  }
  return "";
}

rocksdb::DBOptions MakeDbOptions(rocksdb::Env* env) {
  rocksdb::DBOptions options;
  if (env != nullptr) options.env = env;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // Bounds what a start has to read again.
  options.max_total_wal_size = 128 * kMiB;
  options.max_background_jobs = 2;
  options.bytes_per_sync = kMiB;
  options.stats_dump_period_sec = 0;
  options.info_log = std::make_shared<InfoLog>();
  return options;
}

std::shared_ptr<rocksdb::Cache> MakeCache() {
  return rocksdb::NewLRUCache(32 * kMiB);
}

std::vector<rocksdb::ColumnFamilyDescriptor> MakeFamilies(
    Expiry expiry, std::shared_ptr<rocksdb::Cache> cache) {
  if (cache == nullptr) cache = MakeCache();
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (size_t f = 0; f < kNumFamilies; ++f) {
    const auto family = static_cast<Family>(f);
    families.emplace_back(FamilyName(family),
                          MakeFamilyOptions(family, expiry, cache));
  }
  return families;
}

}  // namespace taud::store
