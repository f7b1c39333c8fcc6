#include "auth/role.h"

#include <vector>

#include "absl/strings/str_join.h"

namespace taud::auth {

std::optional<Role> ParseRole(absl::string_view name) {
  for (size_t r = 0; r < kNumRoles; ++r) {
    if (name == kRoleNames[r]) return static_cast<Role>(r);
  }
  return std::nullopt;
}

std::string RoleSet::Text() const {
  std::vector<const char*> names;
  for (size_t r = 0; r < kNumRoles; ++r) {
    if (Has(static_cast<Role>(r))) names.push_back(kRoleNames[r]);
  }
  return names.empty() ? "none" : absl::StrJoin(names, ", ");
}

}  // namespace taud::auth
