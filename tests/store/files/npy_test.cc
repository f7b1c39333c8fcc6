#include "store/files/npy.h"

#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// What numpy.save writes for the same arrays, but for the padding's length.
TEST(NpyTest, HeaderIsNumPys) {
  const std::string matrix = EncodeNpyHeader({NpyType::kFloat32, {3, 64}});
  ASSERT_EQ(matrix.size(), 128u);
  EXPECT_THAT(matrix, StartsWith(std::string("\x93NUMPY\x01\x00\x76\x00", 10) +
                                 "{'descr': '<f4', 'fortran_order': False, "
                                 "'shape': (3, 64), }  "));
  EXPECT_EQ(matrix.back(), '\n');
  const std::string vector = EncodeNpyHeader({NpyType::kUint32, {7}});
  EXPECT_THAT(vector, HasSubstr("{'descr': '<u4', 'fortran_order': False, "
                                "'shape': (7,), }  "));
}

TEST(NpyTest, HeaderKeepsItsSizeForTheLargestShapes) {
  const uint64_t most = std::numeric_limits<uint64_t>::max();
  const std::string header = EncodeNpyHeader({NpyType::kFloat32, {most, most}});
  EXPECT_EQ(header.size(), 128u);
  EXPECT_THAT(header, HasSubstr("18446744073709551615), }"));
}

TEST(NpyTest, EveryOtherByteIsRefused) {
  const NpyHeader header{NpyType::kFloat32, {3, 64}};
  const std::string good = EncodeNpyHeader(header);
  EXPECT_TRUE(CheckNpyHeader(good, header).ok());
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] ^= 1;
    EXPECT_EQ(CheckNpyHeader(bad, header).code(), absl::StatusCode::kDataLoss)
        << i;
    EXPECT_FALSE(CheckNpyHeader(good.substr(0, i), header).ok()) << i;
  }
}

TEST(NpyTest, OtherShapesAndTypesAreRefused) {
  const std::string good = EncodeNpyHeader({NpyType::kFloat32, {3, 64}});
  EXPECT_FALSE(CheckNpyHeader(good, {NpyType::kFloat32, {64, 3}}).ok());
  EXPECT_FALSE(CheckNpyHeader(good, {NpyType::kFloat32, {192}}).ok());
  EXPECT_FALSE(CheckNpyHeader(good, {NpyType::kUint32, {3, 64}}).ok());
}

TEST(NpyTest, ValueBytes) {
  EXPECT_EQ(*NpyValueBytes({NpyType::kFloat32, {3, 64}}), 768u);
  EXPECT_EQ(*NpyValueBytes({NpyType::kUint32, {0}}), 0u);
  EXPECT_EQ(*NpyValueBytes({NpyType::kUint32, {0, uint64_t{1} << 62}}), 0u);
  EXPECT_FALSE(NpyValueBytes({NpyType::kFloat32, {uint64_t{1} << 61}}).ok());
  EXPECT_FALSE(
      NpyValueBytes({NpyType::kFloat32, {uint64_t{1} << 40, uint64_t{1} << 40}})
          .ok());
}

}  // namespace
}  // namespace taud::store
