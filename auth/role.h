#ifndef TAUD_AUTH_ROLE_H_
#define TAUD_AUTH_ROLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace taud::auth {

// What a caller may be allowed to do; which call needs which role is in
// server/rpc/rpc_method.h. Plain values, any thread.
enum class Role {
  kRecommend,  // ask for recommendations
  kIngest,     // write interactions and take them back
  kCatalog,    // read and write items and users
  kErase,      // erase users, delete items
  kOperate,    // publish, roll back, pause, keep, back up
  kObserve,    // status, quality, snapshots, metrics, the dashboard's figures
};

inline constexpr const char* kRoleNames[] = {"recommend", "ingest",  "catalog",
                                             "erase",     "operate", "observe"};
inline constexpr size_t kNumRoles = sizeof(kRoleNames) / sizeof(kRoleNames[0]);
static_assert(kNumRoles == static_cast<size_t>(Role::kObserve) + 1);

inline constexpr const char* RoleName(Role role) {
  return kRoleNames[static_cast<size_t>(role)];
}

std::optional<Role> ParseRole(absl::string_view name);

class RoleSet {
 public:
  constexpr RoleSet() = default;
  static constexpr RoleSet All() {
    RoleSet all;
    all.bits_ = (1u << kNumRoles) - 1;
    return all;
  }

  void Add(Role role) { bits_ |= Bit(role); }
  bool Has(Role role) const { return (bits_ & Bit(role)) != 0; }
  bool empty() const { return bits_ == 0; }
  bool operator==(const RoleSet& other) const { return bits_ == other.bits_; }

  // "recommend, observe"; "none".
  std::string Text() const;

 private:
  static constexpr uint32_t Bit(Role role) {
    return 1u << static_cast<uint32_t>(role);
  }
  uint32_t bits_ = 0;
};

}  // namespace taud::auth

#endif  // TAUD_AUTH_ROLE_H_
