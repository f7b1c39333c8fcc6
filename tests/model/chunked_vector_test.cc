#include "model/chunked_vector.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace taud::model {
namespace {

TEST(ChunkedVectorTest, KeepsEveryElementAcrossChunks) {
  ChunkedVector<size_t> vector;
  constexpr size_t kMany = 100000;
  for (size_t i = 0; i < kMany; ++i) {
    EXPECT_EQ(vector.size(), i);
    vector.push_back(i * 3);
  }
  for (size_t i = 0; i < kMany; ++i) ASSERT_EQ(vector[i], i * 3);
}

TEST(ChunkedVectorTest, ElementsDoNotMove) {
  ChunkedVector<std::string> vector;
  std::vector<const std::string*> addresses;
  for (int i = 0; i < 5000; ++i) {
    vector.push_back(std::to_string(i));
    addresses.push_back(&vector[vector.size() - 1]);
  }
  for (size_t i = 0; i < vector.size(); ++i) {
    ASSERT_EQ(&vector[i], addresses[i]);
  }
}

TEST(ChunkedVectorTest, GrowToAddsDefaultsAndNeverShrinks) {
  ChunkedVector<int> vector;
  vector.push_back(7);
  vector.GrowTo(3000);
  EXPECT_EQ(vector.size(), 3000u);
  EXPECT_EQ(vector[0], 7);
  EXPECT_EQ(vector[2999], 0);
  vector.GrowTo(10);
  EXPECT_EQ(vector.size(), 3000u);
  vector.Mutable(2999) = 5;
  vector.push_back(8);
  EXPECT_EQ(vector[2999], 5);
  EXPECT_EQ(vector[3000], 8);
}

// Readers never see an element below size() that is not whole. Says most when
// run under the thread sanitizer.
TEST(ChunkedVectorTest, OneWriterManyReaders) {
  constexpr size_t kMany = 20000;
  struct Pair {
    size_t first = 0;
    size_t second = 0;
  };
  ChunkedVector<Pair> vector;
  const auto read = [&vector] {
    size_t seen = 0;
    while (seen < kMany) {
      const size_t size = vector.size();
      for (; seen < size; ++seen) {
        ASSERT_EQ(vector[seen].first, seen);
        ASSERT_EQ(vector[seen].second, ~seen);
      }
    }
  };
  std::thread one(read);
  std::thread two(read);
  for (size_t i = 0; i < kMany; ++i) vector.push_back({i, ~i});
  one.join();
  two.join();
}

}  // namespace
}  // namespace taud::model
