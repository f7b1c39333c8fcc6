#include "query/fold_in_cache.h"

#include "gtest/gtest.h"

namespace taud::query {
namespace {

TEST(FoldInCacheTest, KeepsWhatIsStillTrue) {
  FoldInCache cache(2, 1 << 20);
  std::vector<float> query;
  EXPECT_FALSE(cache.Find(7, {10, 0}, &query));
  cache.Put(7, {10, 0}, {0.6f, 0.8f});
  ASSERT_TRUE(cache.Find(7, {10, 0}, &query));
  EXPECT_EQ(query, (std::vector<float>{0.6f, 0.8f}));
  EXPECT_FALSE(cache.Find(7, {11, 0}, &query)) << "a newer interaction";
  EXPECT_FALSE(cache.Find(7, {10, 1}, &query)) << "an erasure";
  EXPECT_FALSE(cache.Find(8, {10, 0}, &query)) << "another user";
  cache.Put(7, {11, 0}, {1, 0});
  ASSERT_TRUE(cache.Find(7, {11, 0}, &query));
  EXPECT_EQ(query[0], 1.0f);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(FoldInCacheTest, IsBoundedAndKeepsWhatIsAskedFor) {
  constexpr size_t kBytes = 256 << 10;
  FoldInCache cache(64, kBytes);
  std::vector<float> query(64);
  cache.Put(3, {1, 0}, query);
  for (model::UserIndex user = 100; user < 20000; ++user) {
    cache.Put(user, {1, 0}, query);
    ASSERT_TRUE(cache.Find(3, {1, 0}, &query)) << "asked for all the time";
  }
  EXPECT_LE(cache.size() * 64 * sizeof(float), kBytes);
  EXPECT_GT(cache.size() * 64 * sizeof(float), kBytes / 4);
  EXPECT_FALSE(cache.Find(100, {1, 0}, &query)) << "long ago";
}

}  // namespace
}  // namespace taud::query
