#include "store/files/directories.h"

#include <fstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/store/temp_dir.h"

namespace taud::store {
namespace {

TEST(DirectoriesTest, MadeWithTheirParentsAndMadeAgain) {
  const TempDir root;
  const std::string path = root.path() + "/a/b";
  EXPECT_TRUE(MakeDirectories(path).ok());
  EXPECT_TRUE(MakeDirectories(path).ok());
  const auto names = NamesIn(root.path() + "/a");
  ASSERT_TRUE(names.ok());
  EXPECT_THAT(*names, testing::ElementsAre("b"));
}

TEST(DirectoriesTest, AMissingOneIsEmptyAndAFileIsNone) {
  const TempDir root;
  const auto missing = NamesIn(root.path() + "/none");
  ASSERT_TRUE(missing.ok());
  EXPECT_TRUE(missing->empty());
  const std::string file = root.path() + "/file";
  std::ofstream(file) << "x";
  EXPECT_FALSE(NamesIn(file).ok());
  EXPECT_FALSE(MakeDirectories(file + "/below").ok());
}

}  // namespace
}  // namespace taud::store
