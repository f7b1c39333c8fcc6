#include "server/lifecycle/environment.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace taud::server {
namespace {

bool IsVariable(absl::string_view name) {
  return !name.empty() && !absl::ascii_isdigit(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
}

}  // namespace

std::optional<std::string> ProcessEnvironment(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::StatusOr<std::string> ExpandVariables(absl::string_view text,
                                            const Environment& environment) {
  std::string expanded;
  while (true) {
    const size_t at = text.find("${");
    absl::StrAppend(&expanded, text.substr(0, at));
    if (at == absl::string_view::npos) return expanded;
    const bool escaped = at > 0 && text[at - 1] == '$';
    text.remove_prefix(at + 2);
    if (escaped) {
      expanded += "{";
      continue;
    }
    const size_t end = text.find('}');
    const std::string name(text.substr(0, end));
    if (end == absl::string_view::npos || !IsVariable(name)) {
      return absl::InvalidArgumentError(
          "\"${\" is not followed by the name of a variable and \"}\"; for the "
          "text itself write \"$${\"");
    }
    const auto value = environment(name);
    if (!value.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the variable ", name, " is not set"));
    }
    absl::StrAppend(&expanded, *value);
    text.remove_prefix(end + 1);
  }
}

}  // namespace taud::server
