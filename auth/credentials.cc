#include "auth/credentials.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "auth/token.h"
#include "nlohmann/json.hpp"

namespace taud::auth {
namespace {

using nlohmann::json;

constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxSubjectBytes = 1024;
constexpr size_t kMaxFileBytes = size_t{4} << 20;
constexpr size_t kMaxFaults = 20;

absl::Status Fault(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// Printable, so that no log can be forged with it.
bool IsName(const std::string& text) {
  if (text.empty() || text.size() > kMaxNameBytes) return false;
  for (const char c : text) {
    if (!absl::ascii_isgraph(c)) return false;
  }
  return true;
}

absl::Status ReadText(const json& value, absl::string_view key,
                      std::string* text) {
  if (!value.is_string()) return Fault(absl::StrCat(key, ": not a text"));
  *text = value.get<std::string>();
  return absl::OkStatus();
}

absl::StatusOr<Role> ReadRole(const json& value, absl::string_view key) {
  const auto role = value.is_string() ? ParseRole(value.get<std::string>())
                                      : std::optional<Role>();
  if (role.has_value()) return *role;
  return Fault(absl::StrCat(key, ": ", value.dump(), " is none of ",
                            absl::StrJoin(kRoleNames, ", ")));
}

absl::Status ReadRoles(const json& value, RoleSet* roles) {
  if (!value.is_array()) return Fault("roles: not a list");
  for (const json& one : value) {
    const auto role = ReadRole(one, "roles");
    if (!role.ok()) return role.status();
    roles->Add(*role);
  }
  return absl::OkStatus();
}

absl::Status ReadExpiry(const json& value, absl::Time* expires) {
  std::string text;
  absl::Status status = ReadText(value, "expires", &text);
  if (!status.ok()) return status;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, expires, &error)) {
    return absl::OkStatus();
  }
  return Fault(absl::StrCat("expires: \"", text,
                            "\" is no time of RFC 3339, "
                            "as 2027-01-31T00:00:00Z"));
}

absl::Status ReadLimits(const json& value, Limits* limits) {
  if (!value.is_object()) return Fault("limits: not an object");
  for (const auto& [key, limit] : value.items()) {
    const double number = limit.is_number() ? limit.get<double>() : -1;
    if (!std::isfinite(number) || number <= 0 || number > 1e12) {
      return Fault(absl::StrCat("limits.", key, ": ", limit.dump(),
                                " is no number above 0"));
    }
    if (key == "requests_per_second") {
      limits->requests_per_second = number;
    } else if (key == "interactions_per_second") {
      limits->interactions_per_second = number;
    } else if (key == "bytes_per_second") {
      limits->bytes_per_second = number;
    } else if (key == "streams") {
      limits->streams = std::max<int64_t>(1, static_cast<int64_t>(number));
    } else if (key == "max_weight") {
      limits->max_weight = number;
    } else {
      return Fault(absl::StrCat(
          "limits.", key,
          ": unknown; allowed: requests_per_second, interactions_per_second, "
          "bytes_per_second, streams, max_weight"));
    }
  }
  return absl::OkStatus();
}

absl::Status ReadKey(const std::string& key, const json& value,
                     Credential* credential) {
  if (key == "name") return ReadText(value, key, &credential->name);
  if (key == "id") return ReadText(value, key, &credential->id);
  if (key == "hash") return ReadText(value, key, &credential->hash);
  if (key == "subject") return ReadText(value, key, &credential->subject);
  if (key == "roles") return ReadRoles(value, &credential->roles);
  if (key == "expires") return ReadExpiry(value, &credential->expires);
  if (key == "limits") return ReadLimits(value, &credential->limits);
  return Fault(
      absl::StrCat("\"", key,
                   "\": unknown; allowed: name, id, hash, subject, roles, "
                   "expires, limits; of a role: role, limits"));
}

absl::Status Check(const Credential& credential) {
  if (!IsName(credential.name)) {
    return Fault(absl::StrCat("name: 1 to ", kMaxNameBytes,
                              " printable characters of ASCII are needed"));
  }
  const bool token = !credential.id.empty() || !credential.hash.empty();
  if (token == !credential.subject.empty()) {
    return Fault("either id and hash are needed, or subject");
  }
  if (token &&
      !TokenId(absl::StrCat("taud_", credential.id, "_", std::string(43, 'x')))
           .has_value()) {
    return Fault("id: 12 hexadecimal digits are needed");
  }
  if (token && !IsTokenHash(credential.hash)) {
    return Fault("hash: not one of `tauctl token new`, sha256:SALT:DIGEST");
  }
  if (credential.subject.size() > kMaxSubjectBytes) {
    return Fault(
        absl::StrCat("subject: has more than ", kMaxSubjectBytes, " bytes"));
  }
  if (credential.roles.empty()) return Fault("roles: none");
  return absl::OkStatus();
}

absl::StatusOr<json> ParseLine(absl::string_view line) {
  // A key that is there twice would count as the last one.
  bool twice = false;
  std::vector<std::vector<std::string>> open;
  const auto watch = [&](int, json::parse_event_t event, json& parsed) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event != json::parse_event_t::key) return true;
    const auto key = parsed.get<std::string>();
    for (const std::string& other : open.back()) twice |= other == key;
    open.back().push_back(key);
    return true;
  };
  json parsed = json::parse(line.begin(), line.end(), watch, false);
  if (!parsed.is_object()) return Fault("not a JSON object");
  if (twice) return Fault("a key is given twice");
  return parsed;
}

absl::StatusOr<Credential> ReadCredential(const json& line) {
  Credential credential;
  for (const auto& [key, value] : line.items()) {
    absl::Status status = ReadKey(key, value, &credential);
    if (!status.ok()) return status;
  }
  absl::Status status = Check(credential);
  if (!status.ok()) return status;
  return credential;
}

struct RoleLimits {
  Role role;
  Limits limits;
};

absl::StatusOr<RoleLimits> ReadRoleLimits(const json& line) {
  const auto role = ReadRole(line["role"], "role");
  if (!role.ok()) return role.status();
  RoleLimits read{*role, Limits()};
  for (const auto& [key, value] : line.items()) {
    if (key != "role" && key != "limits") {
      return Fault(absl::StrCat(
          "\"", key, "\": unknown beside role; allowed: role, limits"));
    }
  }
  if (line.find("limits") == line.end()) return Fault("limits: are needed");
  absl::Status status = ReadLimits(line["limits"], &read.limits);
  if (!status.ok()) return status;
  return read;
}

absl::StatusOr<const Credential*> Unexpired(const Credential& credential,
                                            absl::Time now) {
  if (now < credential.expires) return &credential;
  return absl::UnauthenticatedError("the credential has expired");
}

}  // namespace

Limits Limits::Or(const Limits& others) const {
  Limits both = *this;
  if (both.requests_per_second <= 0) {
    both.requests_per_second = others.requests_per_second;
  }
  if (both.interactions_per_second <= 0) {
    both.interactions_per_second = others.interactions_per_second;
  }
  if (both.bytes_per_second <= 0) {
    both.bytes_per_second = others.bytes_per_second;
  }
  if (both.streams <= 0) both.streams = others.streams;
  if (both.max_weight <= 0) both.max_weight = others.max_weight;
  return both;
}

absl::Status CredentialTable::Add(Credential credential) {
  const size_t index = all_.size();
  const bool is_new =
      credential.id.empty()
          ? by_subject_.emplace(credential.subject, index).second
          : by_id_.emplace(credential.id, index).second;
  if (!is_new) return Fault("the same id or subject is on an earlier line");
  all_.push_back(std::move(credential));
  return absl::OkStatus();
}

absl::Status CredentialTable::SetRoleLimits(Role role, const Limits& limits) {
  if (limited_.Has(role)) {
    return Fault(
        absl::StrCat("role: an earlier line has limits of ", RoleName(role)));
  }
  limited_.Add(role);
  role_limits_[static_cast<size_t>(role)] = limits;
  return absl::OkStatus();
}

absl::Status CredentialTable::AddLine(absl::string_view line) {
  const auto parsed = ParseLine(line);
  if (!parsed.ok()) return parsed.status();
  if (parsed->find("role") == parsed->end()) {
    auto credential = ReadCredential(*parsed);
    if (!credential.ok()) return credential.status();
    return Add(*std::move(credential));
  }
  const auto limits = ReadRoleLimits(*parsed);
  if (!limits.ok()) return limits.status();
  return SetRoleLimits(limits->role, limits->limits);
}

absl::StatusOr<CredentialTable> CredentialTable::Parse(
    absl::string_view text, absl::string_view file_name) {
  CredentialTable table;
  std::vector<std::string> faults;
  size_t number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    line = absl::StripAsciiWhitespace(line);
    if (line.empty() || line[0] == '#') continue;
    absl::Status status = table.AddLine(line);
    if (status.ok()) continue;
    faults.push_back(
        absl::StrCat(file_name, ":", number, ": ", status.message()));
    if (faults.size() == kMaxFaults) break;
  }
  if (!faults.empty()) return Fault(absl::StrJoin(faults, "\n"));
  return table;
}

absl::StatusOr<std::string> ReadCredentialFile(const std::string& path) {
  struct stat info = {};
  std::ifstream file(path);
  if (!file || stat(path.c_str(), &info) != 0 || S_ISDIR(info.st_mode)) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path));
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": everybody may write to it; `chmod o-w` takes that away"));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (file.bad()) {
    return absl::NotFoundError(absl::StrCat("cannot read ", path));
  }
  if (text.size() > kMaxFileBytes) {
    return absl::FailedPreconditionError(absl::StrCat(
        path, ": larger than the ", kMaxFileBytes, " bytes that are read"));
  }
  return text;
}

absl::StatusOr<CredentialTable> CredentialTable::Load(const std::string& path) {
  const auto text = ReadCredentialFile(path);
  if (!text.ok()) return text.status();
  return Parse(*text, path);
}

absl::StatusOr<const Credential*> CredentialTable::ByToken(
    absl::string_view text, absl::Time now) const {
  const auto id = TokenId(text);
  const auto it = id.has_value() ? by_id_.find(*id) : by_id_.end();
  if (it == by_id_.end() || !MatchesHash(text, all_[it->second].hash)) {
    return absl::UnauthenticatedError("the token is not known here");
  }
  return Unexpired(all_[it->second], now);
}

absl::StatusOr<const Credential*> CredentialTable::BySubject(
    absl::string_view subject, absl::Time now) const {
  const auto it = by_subject_.find(subject);
  if (it == by_subject_.end()) {
    return absl::UnauthenticatedError(
        "the subject of the client certificate is not known here");
  }
  return Unexpired(all_[it->second], now);
}

std::string CredentialLine(const Credential& credential) {
  // In this order, for people.
  nlohmann::ordered_json line;
  line["name"] = credential.name;
  if (!credential.id.empty()) line["id"] = credential.id;
  if (!credential.hash.empty()) line["hash"] = credential.hash;
  if (!credential.subject.empty()) line["subject"] = credential.subject;
  line["roles"] = json::array();
  for (size_t r = 0; r < kNumRoles; ++r) {
    if (!credential.roles.Has(static_cast<Role>(r))) continue;
    line["roles"].push_back(kRoleNames[r]);
  }
  if (credential.expires != absl::InfiniteFuture()) {
    line["expires"] = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", credential.expires,
                                       absl::UTCTimeZone());
  }
  return line.dump(-1, ' ', true);
}

}  // namespace taud::auth
