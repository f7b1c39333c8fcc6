#include "store/log/write_ahead_log.h"

#include <string>

#include "gtest/gtest.h"
#include "store/files/crc32c.h"

namespace taud::store {
namespace {

// A record as RocksDB writes it, by the format's description.
std::string Record(char type, const std::string& data) {
  std::string covered(1, type);
  covered += data;
  const uint32_t crc = ComputeCrc32c(covered.data(), covered.size());
  const uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
  std::string record;
  for (int i = 0; i < 4; ++i) {
    record.push_back(static_cast<char>(masked >> (8 * i)));
  }
  record.push_back(static_cast<char>(data.size() & 0xff));
  record.push_back(static_cast<char>(data.size() >> 8));
  return record + covered;
}

constexpr char kFull = 1;
constexpr char kFirst = 2;
constexpr char kMiddle = 3;
constexpr char kLast = 4;

TEST(WriteAheadLogTest, WholeLogs) {
  EXPECT_FALSE(FindDamage("").has_value());
  EXPECT_FALSE(FindDamage(Record(kFull, "a") + Record(kFull, "b")).has_value());
  EXPECT_FALSE(
      FindDamage(Record(kFirst, "a") + Record(kLast, "b")).has_value());
}

TEST(WriteAheadLogTest, HowMuchOfALogIsWhole) {
  const std::string first = Record(kFull, "first");
  const std::string log = first + Record(kFull, "second");
  EXPECT_EQ(WholeBytes(""), 0u);
  EXPECT_EQ(WholeBytes(log), log.size());
  EXPECT_EQ(WholeBytes(log + std::string(100000, '\0')), log.size());
  for (size_t size = 0; size < log.size(); ++size) {
    EXPECT_EQ(WholeBytes(log.substr(0, size)),
              size < first.size() ? 0u : first.size());
  }
  for (size_t byte = first.size(); byte < log.size(); ++byte) {
    std::string damaged = log;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 4);
    EXPECT_EQ(WholeBytes(damaged), first.size()) << byte;
  }
}

TEST(WriteAheadLogTest, ALogCutShortIsNotDamaged) {
  const std::string log = Record(kFull, "first") + Record(kFull, "second");
  for (size_t size = 0; size <= log.size(); ++size) {
    EXPECT_FALSE(FindDamage(log.substr(0, size)).has_value()) << size;
  }
  // Space that was allocated and never written.
  EXPECT_FALSE(FindDamage(log + std::string(100000, '\0')).has_value());
}

TEST(WriteAheadLogTest, AFlippedBitBeforeALaterWriteIsDamage) {
  const std::string first = Record(kFull, std::string(300, 'a'));
  const std::string log = first + Record(kFull, "b") + Record(kFull, "c");
  for (size_t byte = 0; byte < first.size(); ++byte) {
    std::string damaged = log;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 4);
    // A flipped length hides where the next record begins, in this block.
    if (byte == 4 || byte == 5) continue;
    const auto damage = FindDamage(damaged);
    ASSERT_TRUE(damage.has_value()) << byte;
    EXPECT_EQ(*damage, 0u);
  }
}

TEST(WriteAheadLogTest, AFlippedLengthIsSeenFromTheNextBlock) {
  std::string log;
  while (log.size() < 70000) log += Record(kFull, std::string(1017, 'x'));
  log[4] = static_cast<char>(log[4] ^ 0x10);
  const auto damage = FindDamage(log);
  ASSERT_TRUE(damage.has_value());
  EXPECT_EQ(*damage, 0u);
}

TEST(WriteAheadLogTest, TheLastWriteMayBeTornAnywhere) {
  // One write of three pieces, whose pages reached the disk out of order.
  std::string torn = Record(kFirst, std::string(100, 'a'));
  torn[50] = 'b';
  EXPECT_FALSE(FindDamage(Record(kFull, "whole") + torn + Record(kMiddle, "m") +
                          Record(kLast, "l"))
                   .has_value());
}

}  // namespace
}  // namespace taud::store
