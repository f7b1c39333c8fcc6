#include "cli/lab/cache.h"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/lab/temp_directory.h"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;
using ::testing::HasSubstr;

Json Options() {
  return {{"data", "/somewhere"}, {"loss", "ssm"}, {"threads", 2}, {"seed", 1}};
}

class LabCacheTest : public testing::Test {
 protected:
  LabCache Open() {
    auto cache = LabCache::Open(directory_.path() + "/a/runs");
    EXPECT_TRUE(cache.ok()) << cache.status();
    return *std::move(cache);
  }
  void Damage(const std::string& path, const std::string& from,
              const std::string& to) {
    std::ifstream in(path);
    std::string text{std::istreambuf_iterator<char>(in), {}};
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    std::ofstream(path) << text.replace(at, from.size(), to);
  }

  lab::TempDirectory directory_;
  const LabKey key_ = MakeLabKey(Options(), 7);
  const Json result_ = {{"recall@20", 0.1 + 0.2}, {"epochs", 3}};
};

TEST_F(LabCacheTest, KeepsWhatItIsGiven) {
  const LabCache cache = Open();
  auto found = cache.Find(key_);
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->has_value());
  ASSERT_TRUE(cache.Store(key_, result_).ok());
  found = Open().Find(key_);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(**found, result_);
  // Nothing half-written is left beside it.
  const auto files =
      std::filesystem::directory_iterator(directory_.path() + "/a/runs");
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);
}

TEST_F(LabCacheTest, OnlyWhatMakesADifferenceIsInTheKey) {
  Json elsewhere = Options();
  elsewhere["data"] = "/elsewhere";
  elsewhere["threads"] = 8;
  EXPECT_EQ(MakeLabKey(elsewhere, 7).hash, key_.hash);
  EXPECT_NE(MakeLabKey(elsewhere, 8).hash, key_.hash);
  Json other = Options();
  other["seed"] = 2;
  EXPECT_NE(MakeLabKey(other, 7).hash, key_.hash);
}

TEST_F(LabCacheTest, TheOrderOfOptionsMakesNone) {
  const Json reversed = {{"seed", 1}, {"loss", "ssm"}};
  EXPECT_EQ(MakeLabKey(reversed, 7).hash, key_.hash);
}

TEST_F(LabCacheTest, DamageIsFound) {
  const LabCache cache = Open();
  const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"0.30000000000000004", "0.40000000000000004", "checksum"},
      {"\"result\"", "\"resolt\"", "not a whole result"},
      {"{", "", "not a whole result"},
      {"\"loss\": \"ssm\"", "\"loss\": \"bpr\"", "of something else"},
  };
  for (const auto& damage : cases) {
    ASSERT_TRUE(cache.Store(key_, result_).ok());
    Damage(cache.PathOf(key_), damage.from, damage.to);
    const auto found = cache.Find(key_);
    EXPECT_EQ(found.status().code(), absl::StatusCode::kDataLoss);
    EXPECT_THAT(std::string(found.status().message()), HasSubstr(damage.says));
    EXPECT_THAT(std::string(found.status().message()),
                HasSubstr(cache.PathOf(key_)));
  }
  std::ofstream(cache.PathOf(key_), std::ios::trunc);
  EXPECT_FALSE(cache.Find(key_).ok());
}

TEST_F(LabCacheTest, AFileWhereTheDirectoryShouldBe) {
  directory_.Write("a", "");
  const auto cache = LabCache::Open(directory_.path() + "/a/runs");
  EXPECT_THAT(std::string(cache.status().message()),
              HasSubstr(directory_.path() + "/a/runs"));
}

}  // namespace
}  // namespace taud::cli
