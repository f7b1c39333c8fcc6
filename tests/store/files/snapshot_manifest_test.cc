#include "store/files/snapshot_manifest.h"

#include <cmath>
#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "store/files/crc32c.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;

// RFC 3720, B.4.
TEST(Crc32cTest, KnownValues) {
  EXPECT_EQ(ComputeCrc32c("", 0), 0u);
  EXPECT_EQ(ComputeCrc32c("123456789", 9), 0xE3069283u);
  const std::string zeros(32, '\0');
  EXPECT_EQ(ComputeCrc32c(zeros.data(), zeros.size()), 0x8A9136AAu);
}

TEST(Crc32cTest, PiecesMakeTheWhole) {
  Crc32c crc;
  crc.Update("1234", 4);
  crc.Update("", 0);
  crc.Update("56789", 5);
  EXPECT_EQ(crc.Finish(), 0xE3069283u);
}

SnapshotManifest SomeManifest() {
  SnapshotManifest manifest;
  manifest.info.version = 12;
  manifest.info.trained_through = std::numeric_limits<uint64_t>::max();
  manifest.info.created_ms = -7;
  manifest.info.users = 3;
  manifest.info.items = 4;
  manifest.info.dim = 5;
  manifest.info.metrics = {{"loss", 0.1}, {"größe", 1e300}, {"epochs", 3}};
  manifest.tau0 = 0.1f;
  manifest.files["users.npy"] = {1000, 0xffffffff};
  manifest.files["items.npy"] = {2000, 0};
  return manifest;
}

TEST(SnapshotManifestTest, RoundTrip) {
  const SnapshotManifest before = SomeManifest();
  const absl::StatusOr<SnapshotManifest> after =
      ParseManifest(*FormatManifest(before));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->info.version, before.info.version);
  EXPECT_EQ(after->info.trained_through, before.info.trained_through);
  EXPECT_EQ(after->info.created_ms, before.info.created_ms);
  EXPECT_EQ(after->info.users, before.info.users);
  EXPECT_EQ(after->info.items, before.info.items);
  EXPECT_EQ(after->info.dim, before.info.dim);
  EXPECT_EQ(after->info.metrics, before.info.metrics);
  EXPECT_EQ(after->tau0, before.tau0);
  ASSERT_EQ(after->files.size(), 2u);
  EXPECT_EQ(after->files.at("users.npy").bytes, 1000u);
  EXPECT_EQ(after->files.at("users.npy").crc32c, 0xffffffffu);
}

TEST(SnapshotManifestTest, MetricsThatAreNotFiniteComeBackAsNaN) {
  SnapshotManifest manifest = SomeManifest();
  manifest.info.metrics = {{"a", std::nan("")},
                           {"b", std::numeric_limits<double>::infinity()}};
  const absl::StatusOr<SnapshotManifest> after =
      ParseManifest(*FormatManifest(manifest));
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_TRUE(std::isnan(after->info.metrics.at("a")));
  EXPECT_TRUE(std::isnan(after->info.metrics.at("b")));
}

TEST(SnapshotManifestTest, NamesMustBeUtf8) {
  SnapshotManifest manifest = SomeManifest();
  manifest.info.metrics["\xff"] = 1;
  EXPECT_EQ(FormatManifest(manifest).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(SnapshotManifestTest, EveryFlippedBitAndTruncationIsDataLoss) {
  const std::string good = *FormatManifest(SomeManifest());
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));
      EXPECT_EQ(ParseManifest(bad).status().code(), absl::StatusCode::kDataLoss)
          << "byte " << i << " bit " << bit;
    }
    EXPECT_EQ(ParseManifest(good.substr(0, i)).status().code(),
              absl::StatusCode::kDataLoss)
        << i;
  }
}

TEST(SnapshotManifestTest, OtherJsonIsDataLoss) {
  for (const char* text :
       {"", "null", "[]", "{}", "{\"crc32c\": 1}", "{\"crc32c\": \"x\"}",
        "{\"crc32c\": -1, \"version\": {}}"}) {
    EXPECT_EQ(ParseManifest(text).status().code(), absl::StatusCode::kDataLoss)
        << text;
  }
}

// The checksum is over the compact text with sorted keys, whatever they are.
TEST(SnapshotManifestTest, AnotherFormatVersionIsNamed) {
  const std::string rest = R"({"format_version":2,"new":[1]})";
  const uint32_t crc = ComputeCrc32c(rest.data(), rest.size());
  const std::string text =
      R"({"format_version":2,"new":[1],"crc32c":)" + std::to_string(crc) + "}";
  const absl::Status status = ParseManifest(text).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("format version 2"));
}

}  // namespace
}  // namespace taud::store
