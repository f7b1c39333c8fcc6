#include "device/device.h"

#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::device {
namespace {

using testing::HasSubstr;

TEST(ParseWishTest, TakesWhatTheConfigurationMaySay) {
  const struct {
    const char* name;
    Wish::Kind kind;
    int ordinal;
  } cases[] = {
      {"auto", Wish::Kind::kAuto, 0},   {"cpu", Wish::Kind::kCpu, 0},
      {"cuda", Wish::Kind::kCuda, 0},   {"cuda:0", Wish::Kind::kCuda, 0},
      {"cuda:7", Wish::Kind::kCuda, 7}, {"cuda:63", Wish::Kind::kCuda, 63}};
  for (const auto& c : cases) {
    const auto wish = ParseWish("trainer.device", c.name);
    ASSERT_TRUE(wish.ok()) << wish.status();
    EXPECT_EQ(wish->kind, c.kind) << c.name;
    EXPECT_EQ(wish->ordinal, c.ordinal) << c.name;
  }
}

TEST(ParseWishTest, RefusesTheRestNamingTheField) {
  for (const char* name :
       {"", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:+1", "cuda:64", "cuda:1x",
        "cuda: 1", "cuda:007", "cuda:99999999999999999999"}) {
    const auto wish = ParseWish("serving.device", name);
    EXPECT_TRUE(absl::IsInvalidArgument(wish.status())) << name;
    EXPECT_THAT(wish.status().message(), HasSubstr("serving.device"));
    EXPECT_THAT(wish.status().message(), HasSubstr(name));
  }
}

TEST(ResolveTest, TheCpuIsAlwaysThere) {
  const auto place = Resolve("x", {Wish::Kind::kCpu, 0});
  ASSERT_TRUE(place.ok());
  EXPECT_FALSE(place->is_cuda);
  EXPECT_EQ(ToString(*place), "cpu");
}

TEST(ResolveTest, AutoIsTheFirstGpuOrTheCpu) {
  const auto place = Resolve("x", Wish{});
  ASSERT_TRUE(place.ok());
  EXPECT_EQ(place->is_cuda, NumGpus() > 0);
  EXPECT_EQ(ToString(*place), NumGpus() > 0 ? "cuda:0" : "cpu");
}

TEST(ResolveTest, AGpuThatIsNotThereIsRefusedWithTheReason) {
  const auto place = Resolve("trainer.device", {Wish::Kind::kCuda, 63});
  EXPECT_TRUE(absl::IsUnavailable(place.status()));
  EXPECT_THAT(place.status().message(), HasSubstr("trainer.device"));
  EXPECT_THAT(place.status().message(), HasSubstr("cuda:63"));
  EXPECT_THAT(place.status().message(), HasSubstr("auto"));
}

TEST(NumGpusTest, WithoutOneThereIsAReason) {
  EXPECT_EQ(NumGpus() == 0, !WhyNoGpu().empty());
}

}  // namespace
}  // namespace taud::device
