#ifndef TAUD_CLI_FILES_COLUMNS_H_
#define TAUD_CLI_FILES_COLUMNS_H_

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// Which column of a file is what. Names are compared without regard to case,
// blanks, '-' and '_'. Pure.

namespace taud::cli {

std::string PlainColumnName(absl::string_view name);

// What a column of interactions can be.
enum class Role { kUser, kItem, kTime, kKind, kRating, kWeight, kEventId };
inline constexpr size_t kRoles = 7;

// "user", "item", "time", "kind", "rating", "weight", "event_id".
absl::string_view RoleName(Role role);
// The names a column has by itself, in plain form: "user, userid, uid".
std::string KnownNames(Role role);

// What --columns says: the column of a role, "" to use none.
using ColumnChoice = std::array<std::optional<std::string>, kRoles>;

// From "user=buyer,item=sku" and the like, a list each. A name with a comma
// needs a list of its own, as the last of it.
absl::StatusOr<ColumnChoice> ParseColumnChoice(
    const std::vector<std::string>& lists);
bool HasChoice(const ColumnChoice& choice);

struct ColumnMap {
  std::array<int, kRoles> at;  // -1: there is none
  std::vector<std::string> unknown;

  ColumnMap() { at.fill(-1); }
  int Of(Role role) const { return at[static_cast<size_t>(role)]; }
};

// Finds the columns of a header, or the fields of a JSON object: those of the
// choice, the rest by their names. INVALID_ARGUMENT if one of the choice is
// missing, if two columns could be the same, or if there is no user or item.
absl::StatusOr<ColumnMap> MapColumns(const std::vector<std::string>& header,
                                     const ColumnChoice& choice);

// Whether a header names both a user and an item.
bool NamesUserAndItem(const std::vector<std::string>& header);

// Whether a column of this name says that a file holds interactions: who it
// was, or when, or how it was liked.
bool IsOfInteractions(absl::string_view name);

// INVALID_ARGUMENT that names columns nothing is known of.
absl::Status UnknownColumns(const std::vector<std::string>& unknown,
                            absl::string_view what_to_do);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_COLUMNS_H_
