#include "model/dictionary.h"

#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "gtest/gtest.h"

namespace taud::model {
namespace {

TEST(DictionaryTest, GivesIndicesInOrderOfFirstAppearance) {
  Dictionary dictionary;
  EXPECT_EQ(dictionary.Insert("b"), 0u);
  EXPECT_EQ(dictionary.Insert("a"), 1u);
  EXPECT_EQ(dictionary.Insert("b"), 0u);
  EXPECT_EQ(dictionary.size(), 2u);
  EXPECT_EQ(dictionary.Find("a"), 1u);
  EXPECT_EQ(dictionary.Name(0), "b");
}

TEST(DictionaryTest, UnknownIdsAndIndices) {
  Dictionary dictionary;
  EXPECT_FALSE(dictionary.Find("a").has_value());
  EXPECT_TRUE(dictionary.Name(0).empty());
  dictionary.Insert("a");
  EXPECT_FALSE(dictionary.Find("A").has_value());
  EXPECT_FALSE(dictionary.Find("").has_value());
  EXPECT_TRUE(dictionary.Name(1).empty());
}

TEST(DictionaryTest, IdsAreBytes) {
  Dictionary dictionary;
  const std::string with_zero("a\0b", 3);
  EXPECT_EQ(dictionary.Insert("a"), 0u);
  EXPECT_EQ(dictionary.Insert(with_zero), 1u);
  EXPECT_EQ(dictionary.Insert("ключ"), 2u);
  EXPECT_EQ(dictionary.Insert(std::string(256, 'x')), 3u);
  EXPECT_EQ(dictionary.Find(with_zero), 1u);
  EXPECT_EQ(dictionary.Name(1), with_zero);
  EXPECT_EQ(dictionary.Find("ключ"), 2u);
}

TEST(DictionaryTest, NamesStayWhereTheyAre) {
  Dictionary dictionary;
  dictionary.Insert("first");
  const std::string_view first = dictionary.Name(0);
  for (int i = 0; i < 10000; ++i) dictionary.Insert(std::to_string(i));
  EXPECT_EQ(first, "first");
  EXPECT_EQ(dictionary.Name(0).data(), first.data());
  EXPECT_EQ(dictionary.Find("9999"), 10000u);
}

// An id that a reader finds has a name, and a name that it sees belongs to
// its index. Says most under the thread sanitizer.
TEST(DictionaryTest, OneWriterOneReader) {
  constexpr uint32_t kMany = 20000;
  Dictionary dictionary;
  std::thread reader([&dictionary] {
    for (uint32_t next = 0; next < kMany;) {
      const std::string id = std::to_string(next);
      const std::optional<uint32_t> index = dictionary.Find(id);
      if (!index.has_value()) {
        std::this_thread::yield();
        continue;
      }
      ASSERT_EQ(*index, next);
      ASSERT_EQ(dictionary.Name(*index), id);
      ++next;
    }
  });
  for (uint32_t i = 0; i < kMany; ++i) dictionary.Insert(std::to_string(i));
  reader.join();
}

TEST(DictionaryTest, AnErasedIdLeavesItsIndexAndComesBackAsAnotherOne) {
  Dictionary dictionary;
  dictionary.Insert("a");
  dictionary.Insert("b");
  dictionary.Erase(0);
  dictionary.Erase(0);
  EXPECT_FALSE(dictionary.Find("a").has_value());
  EXPECT_TRUE(dictionary.Name(0).empty());
  EXPECT_TRUE(dictionary.IsErased(0));
  EXPECT_FALSE(dictionary.IsErased(1));
  EXPECT_EQ(dictionary.Insert("a"), 2u);
  EXPECT_EQ(dictionary.InsertErased(), 3u);
  EXPECT_EQ(dictionary.Erased(), (std::vector<uint32_t>{0, 3}));
  EXPECT_EQ(dictionary.Name(2), "a");
  // Its second life is not ended by the end of the first.
  dictionary.Erase(0);
  EXPECT_EQ(dictionary.Find("a"), 2u);
}

}  // namespace
}  // namespace taud::model
