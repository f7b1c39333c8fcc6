#include "model/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace taud::model {
namespace {

TEST(IsUtf8Test, Table) {
  const struct {
    const char* what;
    std::string text;
    bool good;
  } cases[] = {
      {"empty", "", true},
      {"ascii", "user-1", true},
      {"control characters", std::string("\x00\x01\x7f", 3), true},
      {"two bytes", "é", true},
      {"three bytes", "日本", true},
      {"four bytes", "🎬", true},
      {"U+10FFFF", "\xF4\x8F\xBF\xBF", true},
      {"lone continuation", "\x80", false},
      {"overlong two", "\xC0\xAF", false},
      {"overlong three", "\xE0\x80\xAF", false},
      {"overlong four", "\xF0\x80\x80\xAF", false},
      {"surrogate", "\xED\xA0\x80", false},
      {"beyond U+10FFFF", "\xF4\x90\x80\x80", false},
      {"invalid lead", "\xF5\x80\x80\x80", false},
      {"truncated two", "a\xC3", false},
      {"truncated three", "\xE6\x97", false},
      {"truncated four", "\xF0\x9F\x8E", false},
      {"third byte is ascii", "\xE6\x97z", false},
      {"fourth byte is ascii", "\xF0\x9F\x8Ez", false},
      {"latin-1", "caf\xE9 ", false},
  };
  for (const auto& c : cases) EXPECT_EQ(IsUtf8(c.text), c.good) << c.what;
}

}  // namespace
}  // namespace taud::model
