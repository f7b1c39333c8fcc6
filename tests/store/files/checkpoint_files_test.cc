#include "store/files/checkpoint_files.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

model::TrainingState SomeState(model::Sequence through) {
  model::TrainingState state;
  state.absorbed_through = through;
  state.created_ms = 1700000000000;
  state.floats["rows"] = {1.5f, -2.25f};
  state.integers["updates"] = {7, 8, 9};
  state.longs["pairs"] = {uint64_t{1} << 40};
  state.doubles["tau0"] = {0.0916};
  state.texts["random"] = std::string("a\0b", 3);
  state.floats["empty"] = {};
  return state;
}

TEST(CheckpointFilesTest, WhatIsLoadedIsWhatWasSaved) {
  const TempDir dir;
  const auto number = SaveCheckpoint(dir / "checkpoints", SomeState(42));
  ASSERT_TRUE(number.ok()) << number.status();
  const auto loaded = LoadCheckpoint(dir / "checkpoints", *number);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  const model::TrainingState expected = SomeState(42);
  EXPECT_EQ((*loaded)->absorbed_through, expected.absorbed_through);
  EXPECT_EQ((*loaded)->created_ms, expected.created_ms);
  EXPECT_EQ((*loaded)->floats, expected.floats);
  EXPECT_EQ((*loaded)->integers, expected.integers);
  EXPECT_EQ((*loaded)->longs, expected.longs);
  EXPECT_EQ((*loaded)->doubles, expected.doubles);
  EXPECT_EQ((*loaded)->texts, expected.texts);
  EXPECT_EQ(ReadCheckpointSequence(dir / "checkpoints", *number).value(), 42u);
}

TEST(CheckpointFilesTest, NumbersAscendAndTheNewestAreKept) {
  const TempDir dir;
  for (model::Sequence through = 1; through <= 4; ++through) {
    ASSERT_TRUE(SaveCheckpoint(dir.path(), SomeState(through)).ok());
  }
  std::ofstream(dir / "00000000000000000009.checkpoint.tmp") << "half";
  ASSERT_TRUE(PruneCheckpoints(dir.path(), 2).ok());
  const auto left = ListCheckpoints(dir.path());
  ASSERT_TRUE(left.ok());
  ASSERT_EQ(left->size(), 2u);
  EXPECT_LT((*left)[0].number, (*left)[1].number);
  EXPECT_EQ(ReadCheckpointSequence(dir.path(), (*left)[0].number).value(), 3u);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir.path()), {}), 2);
  EXPECT_TRUE(ListCheckpoints(dir / "missing").value().empty());
}

// Every byte counts: one that is flipped anywhere, or a file that ends early
// or late, is never taken for a checkpoint.
TEST(CheckpointFilesTest, NoDamageIsOverlooked) {
  const std::string good = FormatCheckpoint(SomeState(42));
  ASSERT_TRUE(ParseCheckpoint(good).ok());
  for (size_t i = 0; i < good.size(); ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    EXPECT_FALSE(ParseCheckpoint(flipped).ok()) << "byte " << i;
    EXPECT_FALSE(ParseCheckpoint(good.substr(0, i)).ok()) << "length " << i;
  }
  EXPECT_FALSE(ParseCheckpoint(good + "x").ok());
}

TEST(CheckpointFilesTest, ErrorsNameTheFile) {
  const TempDir dir;
  const auto number = SaveCheckpoint(dir.path(), SomeState(42));
  ASSERT_TRUE(number.ok());
  const std::string path = ListCheckpoints(dir.path()).value()[0].path;
  fs::resize_file(path, fs::file_size(path) - 1);
  const auto loaded = LoadCheckpoint(dir.path(), *number);
  EXPECT_TRUE(absl::IsDataLoss(loaded.status())) << loaded.status();
  EXPECT_THAT(std::string(loaded.status().message()), HasSubstr(path));
  EXPECT_TRUE(absl::IsNotFound(LoadCheckpoint(dir.path(), 777).status()));
}

}  // namespace
}  // namespace taud::store
