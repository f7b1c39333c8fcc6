#ifndef TAUD_QUERY_RECENT_ITEMS_H_
#define TAUD_QUERY_RECENT_ITEMS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "query/query_weights.h"

namespace taud::query {

// The latest kRecentItems items of every user, by when they were chosen, in 132
// bytes each. Thread-compatible.
class RecentItems {
 public:
  struct Entry {
    uint32_t item = 0;
    uint32_t second = 0;  // Unix
  };

  // The user chose the item then; what it was chosen before does not count. Of
  // one second, what is added later is later.
  void Add(uint32_t user, uint32_t item, uint32_t second);
  // It is no longer liked.
  void Remove(uint32_t user, uint32_t item);
  // Replaces *entries by those of the user, newest first.
  void Copy(uint32_t user, std::vector<Entry>* entries) const;
  void Clear() { users_.clear(); }

 private:
  struct User {
    uint32_t count = 0;
    std::array<Entry, kRecentItems> entries;  // oldest first
  };
  static void Remove(uint32_t item, User* user);

  std::vector<User> users_;
};

}  // namespace taud::query

#endif  // TAUD_QUERY_RECENT_ITEMS_H_
