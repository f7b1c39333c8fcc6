#include "model/property.h"

#include <limits>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace taud::model {
namespace {

TEST(PropertyTest, ComesBackAsItWas) {
  const Properties properties = {
      {"text", std::string("a\0b", 3)},
      {"empty", std::string()},
      {"number", -0.1},
      {"yes", true},
      {"no", false},
      {"list", std::vector<std::string>{"x", "y"}},
      {"none", std::vector<std::string>{}},
      {"time", PropertyTime{-5}},
  };
  std::string bytes;
  PackProperties(properties, &bytes);
  const auto back = UnpackProperties(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(*back, properties);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(UnpackProperties(bytes.substr(0, cut)).ok()) << cut;
  }
  EXPECT_FALSE(UnpackProperties(bytes + "x").ok());
}

TEST(PropertyTest, HasLimits) {
  for (const char* name : {"price", "_x", "A1", "item_id"}) {
    EXPECT_TRUE(CheckPropertyName(name).ok()) << name;
  }
  for (const std::string& name :
       {std::string(), std::string("1a"), std::string("a-b"),
        std::string("a.b"), std::string("ä"), std::string("and"),
        std::string("TRUE"), std::string("tags"), std::string(65, 'a')}) {
    EXPECT_FALSE(CheckPropertyName(name).ok()) << name;
  }
  EXPECT_TRUE(CheckPropertyValue(std::string(1024, 'a')).ok());
  EXPECT_FALSE(CheckPropertyValue(std::string(1025, 'a')).ok());
  EXPECT_FALSE(CheckPropertyValue(std::string("\xff")).ok());
  EXPECT_FALSE(
      CheckPropertyValue(std::numeric_limits<double>::quiet_NaN()).ok());
  EXPECT_FALSE(CheckPropertyValue(std::vector<std::string>(65, "a")).ok());
  EXPECT_FALSE(CheckPropertyValue(std::vector<std::string>{""}).ok());
  Properties many;
  for (size_t i = 0; i < kMaxProperties; ++i) {
    many["p" + std::to_string(i)] = true;
  }
  EXPECT_TRUE(CheckProperties(many).ok());
  many["one_more"] = true;
  EXPECT_FALSE(CheckProperties(many).ok());
}

}  // namespace
}  // namespace taud::model
