#include "model/user_properties.h"

#include <utility>

namespace taud::model {
namespace {

// Of a user, besides the packed bytes.
constexpr size_t kUserBytes = 64;

}  // namespace

void UserProperties::Put(UserIndex user, const Properties& properties) {
  std::string packed;
  PackProperties(properties, &packed);
  packed.shrink_to_fit();
  absl::MutexLock lock(&mutex_);
  std::string& old = by_user_[user];
  if (!old.empty()) bytes_ -= kUserBytes + old.capacity();
  bytes_ += kUserBytes + packed.capacity();
  old = std::move(packed);
}

void UserProperties::Delete(UserIndex user) {
  absl::MutexLock lock(&mutex_);
  const auto it = by_user_.find(user);
  if (it == by_user_.end()) return;
  bytes_ -= kUserBytes + it->second.capacity();
  by_user_.erase(it);
}

Properties UserProperties::Get(UserIndex user) const {
  absl::ReaderMutexLock lock(&mutex_);
  const auto it = by_user_.find(user);
  if (it == by_user_.end()) return {};
  auto properties = UnpackProperties(it->second);
  return properties.ok() ? *std::move(properties) : Properties();
}

bool UserProperties::Has(UserIndex user) const {
  absl::ReaderMutexLock lock(&mutex_);
  return by_user_.contains(user);
}

size_t UserProperties::size() const {
  absl::ReaderMutexLock lock(&mutex_);
  return by_user_.size();
}

size_t UserProperties::bytes() const {
  absl::ReaderMutexLock lock(&mutex_);
  return bytes_;
}

}  // namespace taud::model
