#include "cli/files/columns.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace taud::cli {
namespace {

struct KnownRole {
  absl::string_view name;
  std::vector<absl::string_view> columns;  // plain
};

const std::array<KnownRole, kRoles>& Known() {
  static const auto& known = *new std::array<KnownRole, kRoles>{{
      {"user", {"user", "userid", "uid"}},
      {"item",
       {"item", "itemid", "iid", "movie", "movieid", "product", "productid",
        "isbn", "asin"}},
      {"time", {"time", "timems", "timestamp", "timestampms"}},
      {"kind", {"kind"}},
      {"rating", {"rating", "bookrating", "stars"}},
      {"weight", {"weight"}},
      {"event_id", {"eventid"}},
  }};
  return known;
}

// Written by `tauctl export`, and given anew by the log that reads it.
constexpr absl::string_view kSequence = "sequence";

std::optional<size_t> RoleOf(absl::string_view plain) {
  for (size_t role = 0; role < kRoles; ++role) {
    const auto& names = Known()[role].columns;
    if (std::find(names.begin(), names.end(), plain) != names.end()) {
      return role;
    }
  }
  return std::nullopt;
}

std::string Listed(const std::vector<std::string>& header) {
  return absl::StrCat("the file has ", absl::StrJoin(header, ", "));
}

absl::StatusOr<int> FindChosen(const std::vector<std::string>& header,
                               size_t role, const std::string& name) {
  auto it = std::find(header.begin(), header.end(), name);
  if (it == header.end()) {
    it = std::find_if(header.begin(), header.end(), [&](const auto& column) {
      return PlainColumnName(column) == PlainColumnName(name);
    });
  }
  if (it != header.end()) return static_cast<int>(it - header.begin());
  return absl::InvalidArgumentError(
      absl::StrCat("there is no column \"", name, "\" to be the ",
                   Known()[role].name, "; ", Listed(header)));
}

}  // namespace

std::string PlainColumnName(absl::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c == ' ' || c == '\t' || c == '_' || c == '-') continue;
    plain.push_back(absl::ascii_tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

absl::string_view RoleName(Role role) {
  return Known()[static_cast<size_t>(role)].name;
}

std::string KnownNames(Role role) {
  return absl::StrJoin(Known()[static_cast<size_t>(role)].columns, ", ");
}

absl::StatusOr<ColumnChoice> ParseColumnChoice(
    const std::vector<std::string>& lists) {
  ColumnChoice choice;
  for (const std::string& list : lists) {
    std::optional<size_t> last;
    for (const absl::string_view part : absl::StrSplit(list, ',')) {
      const size_t equals = part.find('=');
      std::optional<size_t> role;
      for (size_t r = 0; r < kRoles && equals != part.npos; ++r) {
        if (part.substr(0, equals) == Known()[r].name) role = r;
      }
      if (role.has_value()) {
        if (choice[*role].has_value()) {
          return absl::InvalidArgumentError(absl::StrCat(
              "--columns names the ", Known()[*role].name, " twice"));
        }
        choice[*role] = std::string(part.substr(equals + 1));
      } else if (last.has_value() && equals == part.npos) {
        absl::StrAppend(&*choice[*last], ",", part);
      } else {
        return absl::InvalidArgumentError(absl::StrCat(
            "--columns \"", part,
            "\" is not ROLE=COLUMN with one of user, item, time, kind, rating, "
            "weight, event_id"));
      }
      if (role.has_value()) last = role;
    }
  }
  return choice;
}

bool HasChoice(const ColumnChoice& choice) {
  return std::any_of(choice.begin(), choice.end(),
                     [](const auto& one) { return one.has_value(); });
}

absl::StatusOr<ColumnMap> MapColumns(const std::vector<std::string>& header,
                                     const ColumnChoice& choice) {
  ColumnMap map;
  std::vector<bool> used(header.size(), false);
  for (size_t role = 0; role < kRoles; ++role) {
    if (!choice[role].has_value() || choice[role]->empty()) continue;
    const auto column = FindChosen(header, role, *choice[role]);
    if (!column.ok()) return column.status();
    map.at[role] = *column;
    used[static_cast<size_t>(*column)] = true;
  }
  for (size_t column = 0; column < header.size(); ++column) {
    if (used[column]) continue;
    const std::string plain = PlainColumnName(header[column]);
    if (plain == kSequence) continue;
    const auto role = RoleOf(plain);
    // A column the choice has replaced, or turned off, is one to leave out.
    const bool chosen = role.has_value() && choice[*role].has_value();
    if (!role.has_value() || chosen) {
      map.unknown.push_back(header[column]);
    } else if (map.at[*role] >= 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          "both \"", header[static_cast<size_t>(map.at[*role])], "\" and \"",
          header[column], "\" could be the ", Known()[*role].name,
          "; say which with --columns ", Known()[*role].name, "=…"));
    } else {
      map.at[*role] = static_cast<int>(column);
    }
  }
  for (const Role role : {Role::kUser, Role::kItem}) {
    if (map.Of(role) >= 0) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("names no column ", RoleName(role), " (", KnownNames(role),
                     "); say which it is with --columns ", RoleName(role),
                     "=…; ", Listed(header)));
  }
  return map;
}

bool NamesUserAndItem(const std::vector<std::string>& header) {
  bool user = false;
  bool item = false;
  for (const std::string& column : header) {
    const auto role = RoleOf(PlainColumnName(column));
    user = user || role == static_cast<size_t>(Role::kUser);
    item = item || role == static_cast<size_t>(Role::kItem);
  }
  return user && item;
}

bool IsOfInteractions(absl::string_view name) {
  const auto role = RoleOf(PlainColumnName(name));
  return role.has_value() && *role != static_cast<size_t>(Role::kItem) &&
         *role != static_cast<size_t>(Role::kWeight);
}

absl::Status UnknownColumns(const std::vector<std::string>& unknown,
                            absl::string_view what_to_do) {
  return absl::InvalidArgumentError(
      absl::StrCat(unknown.size() == 1 ? "has a column" : "has columns",
                   " nothing is known of: ", absl::StrJoin(unknown, ", "), "; ",
                   what_to_do));
}

}  // namespace taud::cli
