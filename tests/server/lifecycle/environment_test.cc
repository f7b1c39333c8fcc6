#include "server/lifecycle/environment.h"

#include "gtest/gtest.h"

namespace taud::server {
namespace {

std::optional<std::string> Two(const std::string& name) {
  if (name == "ONE") return "1";
  if (name == "MONEY") return "a$";
  return std::nullopt;
}

TEST(EnvironmentTest, VariablesAreReplaced) {
  const struct {
    const char* text;
    const char* expanded;
  } kCases[] = {
      {"", ""},
      {"no variable, $5 {ONE}", "no variable, $5 {ONE}"},
      {"${ONE}", "1"},
      {"<${ONE}${ONE}>", "<11>"},
      {"$${ONE}", "${ONE}"},
      {"$${ONE}${ONE}", "${ONE}1"},
      // A value that ends in the sign makes no escape of what follows.
      {"${MONEY}${ONE}", "a$1"},
  };
  for (const auto& one : kCases) {
    const auto expanded = ExpandVariables(one.text, Two);
    ASSERT_TRUE(expanded.ok()) << one.text << ": " << expanded.status();
    EXPECT_EQ(*expanded, one.expanded) << one.text;
  }
}

TEST(EnvironmentTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(ExpandVariables("${TWO}", Two).status().message(),
            "the variable TWO is not set");
  for (const char* text : {"${", "${}", "${ONE", "${1}", "${a b}"}) {
    EXPECT_EQ(ExpandVariables(text, Two).status().code(),
              absl::StatusCode::kInvalidArgument)
        << text;
  }
}

}  // namespace
}  // namespace taud::server
