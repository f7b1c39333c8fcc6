#include "lab/dataset.h"

#include <algorithm>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "model/item_lists.h"
#include "tests/lab/temp_directory.h"

namespace taud::lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ReadDatasetTest, ReadsAdjacencyLists) {
  TempDirectory directory;
  directory.Write("train.txt", "0 5 2 5\r\n\n2 1\n0 3");
  directory.Write("test.txt", "0 7 \n1\n3 0\n");
  const auto dataset = ReadDataset(directory.path());
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  // Users 0, 2, 3; items 0, 1, 2, 3, 5, 7.
  EXPECT_THAT(dataset->train,
              ElementsAre(ElementsAre(2, 3, 4), ElementsAre(1), IsEmpty()));
  EXPECT_THAT(dataset->test,
              ElementsAre(ElementsAre(5), IsEmpty(), ElementsAre(0)));
  EXPECT_EQ(dataset->items, 6u);
  EXPECT_EQ(dataset->train_pairs(), 4u);
  EXPECT_EQ(dataset->test_pairs(), 2u);
  EXPECT_EQ(dataset->cold_users(), 1u);
}

TEST(ReadDatasetTest, NumbersMayHaveAnyGaps) {
  TempDirectory directory;
  directory.Write("train.txt",
                  "\xEF\xBB\xBF"
                  "9000000000 18446744073709551614 7\n3 7\n");
  directory.Write("test.txt", "3 18446744073709551614\n");
  const auto dataset = ReadDataset(directory.path());
  ASSERT_TRUE(dataset.ok()) << dataset.status();
  EXPECT_THAT(dataset->train, ElementsAre(ElementsAre(0), ElementsAre(0, 1)));
  EXPECT_THAT(dataset->test, ElementsAre(ElementsAre(1), IsEmpty()));
  EXPECT_EQ(dataset->items, 2u);
}

TEST(ReadDatasetTest, TheFingerprintIsOfThePairs) {
  TempDirectory one;
  one.Write("train.txt", "0 1 2\n1 2\n");
  one.Write("test.txt", "1 1\n");
  TempDirectory same;
  same.Write("train.txt", "1 2\n\n0 2 1 1\n");
  same.Write("test.txt", "1 1");
  TempDirectory swapped;
  swapped.Write("train.txt", "0 1 2\n1 1\n");
  swapped.Write("test.txt", "1 2\n");
  const uint64_t print = ReadDataset(one.path())->Fingerprint();
  EXPECT_EQ(ReadDataset(same.path())->Fingerprint(), print);
  EXPECT_NE(ReadDataset(swapped.path())->Fingerprint(), print);
}

TEST(ReadDatasetTest, NamesTheMissingFile) {
  TempDirectory directory;
  directory.Write("train.txt", "0 1\n");
  const absl::Status status = ReadDataset(directory.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/test.txt"));
}

TEST(ReadDatasetTest, ADirectoryIsNoFile) {
  TempDirectory directory;
  std::filesystem::create_directory(directory.path() + "/train.txt");
  EXPECT_FALSE(ReadDataset(directory.path()).ok());
}

class BadLineTest : public testing::TestWithParam<const char*> {};

TEST_P(BadLineTest, IsNamedByFileLineAndWord) {
  TempDirectory directory;
  directory.Write("train.txt", "0 1 2\n");
  directory.Write("test.txt", std::string("0 3\n1 4 ") + GetParam() + " 5\n");
  const absl::Status status = ReadDataset(directory.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/test.txt:2: '"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Words, BadLineTest,
                         testing::Values("abc", "-1", "1.5",
                                         "18446744073709551615",
                                         "99999999999999999999", "4,5"));

TEST(ReadDatasetTest, WithoutPairsThereIsNothing) {
  TempDirectory directory;
  directory.Write("train.txt", "0\n1 \n\n");
  directory.Write("test.txt", "0 1\n");
  const absl::Status status = ReadDataset(directory.path()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/train.txt: no line"));
}

model::ItemLists ManyLists() {
  model::ItemLists lists(300);
  for (uint32_t u = 0; u < lists.size(); ++u) {
    for (uint32_t i = 0; i < 20; ++i) lists[u].push_back((u + i * 7) % 100);
    std::sort(lists[u].begin(), lists[u].end());
  }
  return lists;
}

size_t Count(const model::ItemLists& lists) {
  size_t count = 0;
  for (const auto& list : lists) count += list.size();
  return count;
}

TEST(CutValidationTest, CutsTheShareAndLosesNothing) {
  const model::ItemLists lists = ManyLists();
  const Split split = CutValidation(lists, 0.1, 1);
  EXPECT_NEAR(static_cast<double>(Count(split.validation)), 600, 100);
  for (size_t u = 0; u < lists.size(); ++u) {
    // Each user's own share, to a whole item; some may be another's last.
    EXPECT_LE(split.validation[u].size(), lists[u].size() * 0.1 + 1);
    std::vector<uint32_t> both = split.fit[u];
    both.insert(both.end(), split.validation[u].begin(),
                split.validation[u].end());
    std::sort(both.begin(), both.end());
    ASSERT_EQ(both, lists[u]);
  }
}

TEST(CutValidationTest, TheSeedDecides) {
  const model::ItemLists lists = ManyLists();
  EXPECT_EQ(CutValidation(lists, 0.1, 1).fit, CutValidation(lists, 0.1, 1).fit);
  EXPECT_NE(CutValidation(lists, 0.1, 1).fit, CutValidation(lists, 0.1, 2).fit);
}

TEST(CutValidationTest, LeavesEachUserAndItemOne) {
  // Users 0 and 1 share items 0 and 1; item 2 is user 2's alone.
  const Split split = CutValidation({{0, 1}, {0, 1}, {0, 2}}, 1.0, 1);
  std::vector<int> left(3);
  for (const auto& list : split.fit) {
    EXPECT_THAT(list, testing::Not(IsEmpty()));
    for (const uint32_t item : list) ++left[item];
  }
  for (const int count : left) EXPECT_GE(count, 1);
  EXPECT_GT(Count(split.validation), 0u);
}

}  // namespace
}  // namespace taud::lab
