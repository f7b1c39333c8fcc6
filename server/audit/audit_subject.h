#ifndef TAUD_SERVER_AUDIT_AUDIT_SUBJECT_H_
#define TAUD_SERVER_AUDIT_AUDIT_SUBJECT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "google/protobuf/message.h"

namespace taud::server {

// What a call is about, as its request names it. Plain data.
struct AuditSubject {
  // A request may name many more than anybody reads of a line; those of what
  // may be erased at once are all there.
  static constexpr size_t kMostIds = 1000;

  std::vector<std::string> users;
  std::vector<std::string> items;
  // All that the request names, also beyond kMostIds.
  size_t num_users = 0;
  size_t num_items = 0;
  // Fields that name something else: a version, a directory, an expression.
  std::vector<std::pair<std::string, std::string>> other;

  void AddUser(const std::string& id);
  void AddItem(const std::string& id);
  // About what it takes in memory.
  size_t bytes() const;
};

// Of a request of the API that was parsed and not checked: texts may be as long
// as a message may be, and are cut. Any thread.
AuditSubject SubjectOf(const google::protobuf::Message& request);

}  // namespace taud::server

#endif  // TAUD_SERVER_AUDIT_AUDIT_SUBJECT_H_
