#include "query/new_items.h"

#include <algorithm>
#include <cmath>

namespace taud::query {
namespace {

// Of the log, in one call: well below a millisecond.
constexpr size_t kMostRead = 16384;
// Users it takes until an item's vector counts half.
constexpr float kDoubt = 4.0f;
// Below it the users cancel out.
constexpr double kMinNorm = 1e-6;

}  // namespace

bool NewItems::Vectors::Find(model::ItemIndex item, size_t* at) const {
  const auto it = std::lower_bound(items.begin(), items.end(), item);
  if (it == items.end() || *it != item) return false;
  *at = static_cast<size_t>(it - items.begin());
  return true;
}

void NewItems::Vectors::Score(absl::Span<const float> query,
                              std::vector<float>* scores) const {
  const size_t n = items.size();
  scores->assign(n, 0.0f);
  for (size_t c = 0; c < query.size(); ++c) {
    const float* column = &columns[c * n];
    for (size_t i = 0; i < n; ++i) (*scores)[i] += query[c] * column[i];
  }
  for (size_t i = 0; i < n; ++i) (*scores)[i] *= trust[i];
}

std::shared_ptr<const NewItems::Vectors> NewItems::Update(
    const model::Interactions& interactions) {
  absl::MutexLock lock(&mutex_);
  const size_t erased = interactions.num_erased();
  if (!started_ || erased != erased_) {
    // An erased user or item is in some sum, perhaps: from the beginning.
    started_ = true;
    changed_ = !items_.empty();
    items_.clear();
    erased_ = erased;
    position_ = interactions.PositionAfter(snapshot_->trained_through);
  }
  const size_t end = std::min(interactions.size(), position_ + kMostRead);
  if (position_ < end) {
    interactions.ForEach(position_, end,
                         [this](const model::Interaction& interaction) {
                           mutex_.AssertHeld();
                           Add(interaction);
                         });
    position_ = end;
  }
  if (changed_) {
    vectors_ = Normalised();
    changed_ = false;
  }
  return vectors_;
}

void NewItems::Add(const model::Interaction& interaction) {
  const model::Snapshot& s = *snapshot_;
  const model::ItemIndex item = interaction.item;
  if (item < s.items.rows && s.item_popularity[item] > 0) return;
  // While the log is read at a start, it has what the snapshot knows, too.
  if (interaction.sequence <= s.trained_through) return;
  if (interaction.kind == model::InteractionKind::kRetract) {
    return TakeBack(interaction.user, item);
  }
  if (model::Interactions::IsErased(interaction) ||
      !IsPositive(interaction.kind)) {
    return;
  }
  const model::UserIndex user = interaction.user;
  if (user >= s.users.rows || s.user_degree[user] == 0) return;
  auto it = items_.find(item);
  if (it == items_.end()) {
    if (items_.size() == kMaxItems) return;
    it = items_.emplace(item, Item()).first;
    it->second.sum.assign(s.dim(), 0.0f);
  }
  Item& known = it->second;
  const bool again = std::find(known.users.begin(), known.users.end(), user) !=
                     known.users.end();
  if (again || known.users.size() == kMaxUsers) return;
  known.users.push_back(user);
  const float* row = s.users.Row(user);
  for (size_t c = 0; c < known.sum.size(); ++c) known.sum[c] += row[c];
  changed_ = true;
}

void NewItems::TakeBack(model::UserIndex user, model::ItemIndex item) {
  const auto it = items_.find(item);
  if (it == items_.end()) return;
  std::vector<model::UserIndex>& users = it->second.users;
  const auto found = std::find(users.begin(), users.end(), user);
  if (found == users.end()) return;
  users.erase(found);
  const float* const row = snapshot_->users.Row(user);
  for (size_t c = 0; c < it->second.sum.size(); ++c) {
    it->second.sum[c] -= row[c];
  }
  if (users.empty()) items_.erase(it);
  changed_ = true;
}

std::shared_ptr<const NewItems::Vectors> NewItems::Normalised() const {
  auto vectors = std::make_shared<Vectors>();
  std::vector<std::pair<model::ItemIndex, double>> norms;
  for (const auto& [item, known] : items_) {
    double sum = 0;
    for (const float x : known.sum) sum += double{x} * x;
    if (std::sqrt(sum) > kMinNorm) norms.emplace_back(item, std::sqrt(sum));
  }
  std::sort(norms.begin(), norms.end());
  const size_t n = norms.size();
  vectors->columns.resize(snapshot_->dim() * n);
  for (size_t i = 0; i < n; ++i) {
    const auto& [item, norm] = norms[i];
    vectors->items.push_back(item);
    const Item& known = items_.at(item);
    const std::vector<float>& sum = known.sum;
    const auto users = static_cast<float>(known.users.size());
    vectors->trust.push_back(users / (users + kDoubt));
    for (size_t c = 0; c < sum.size(); ++c) {
      vectors->columns[c * n + i] = static_cast<float>(sum[c] / norm);
    }
  }
  return vectors;
}

}  // namespace taud::query
