#include "server/audit/audit_entry.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <vector>

#include "absl/strings/escaping.h"
#include "nlohmann/json.hpp"

namespace taud::server {
namespace {

const char* EventName(AuditEvent event) {
  switch (event) {
    case AuditEvent::kBegin:
      return "begin";
    case AuditEvent::kEnd:
      return "end";
    case AuditEvent::kRefused:
      return "refused";
    case AuditEvent::kStarted:
      return "started";
    case AuditEvent::kLost:
      break;
  }
  return "lost";
}

std::string IdText(const std::string& id, absl::string_view key) {
  if (key.empty()) return id;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(id.data()), id.size(), digest,
       &size);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest), size));
}

// And how many there are, if not all are named.
void AddIds(const char* key, const char* all_key,
            const std::vector<std::string>& ids, size_t all,
            absl::string_view id_key, nlohmann::ordered_json* line) {
  if (ids.empty()) return;
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const std::string& id : ids) list.push_back(IdText(id, id_key));
  (*line)[key] = std::move(list);
  if (all > ids.size()) (*line)[all_key] = all;
}

void AddText(const char* key, const std::string& text,
             nlohmann::ordered_json* line) {
  if (!text.empty()) (*line)[key] = text;
}

// Several values of a key become a list.
void AddOther(const AuditSubject& about, absl::string_view id_key,
              nlohmann::ordered_json* line) {
  for (const auto& [key, value] : about.other) {
    // A prefix of ids tells of them as they do.
    const std::string text = key == "id_prefix" ? IdText(value, id_key) : value;
    nlohmann::ordered_json& place = (*line)[key];
    if (place.is_null()) {
      place = text;
      continue;
    }
    if (!place.is_array()) place = nlohmann::ordered_json::array({place});
    place.push_back(text);
  }
}

}  // namespace

std::string AuditLine(const AuditEntry& entry, absl::string_view id_key) {
  nlohmann::ordered_json line;
  line["time"] =
      absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", entry.time, absl::UTCTimeZone());
  line["event"] = EventName(entry.event);
  if (!entry.method.empty()) {
    line["method"] = entry.method;
    AddText("who", entry.who, &line);
    line["credential"] = entry.credential;
    AddText("subject", entry.subject, &line);
    AddText("role", entry.role, &line);
    AddText("address", entry.address, &line);
    AddText("request_id", entry.request_id, &line);
    AddIds("users", "users_in_all", entry.about.users, entry.about.num_users,
           id_key, &line);
    AddIds("items", "items_in_all", entry.about.items, entry.about.num_items,
           id_key, &line);
    AddOther(entry.about, id_key, &line);
  }
  if (entry.event == AuditEvent::kEnd || entry.event == AuditEvent::kRefused) {
    line["code"] = absl::StatusCodeToString(entry.code);
  }
  AddText("reason", entry.reason, &line);
  if (entry.count > 0) line["left_out"] = entry.count;
  return line.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

}  // namespace taud::server
