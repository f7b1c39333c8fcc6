#include "query/new_items.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace taud::query {
namespace {

// Of the log, in one call: well below a millisecond.
constexpr size_t kMostRead = 16384;
// Items that are looked at in one call to work out tags: below a millisecond.
constexpr int64_t kTagBudget = 8192;
// Users it takes until an item's vector counts half.
constexpr float kDoubt = 4.0f;
// Below it the users cancel out.
constexpr double kMinNorm = 1e-6;

model::Bitmap Trained(const model::Snapshot& snapshot) {
  model::Bitmap trained(snapshot.items.rows, false);
  for (size_t i = 0; i < snapshot.items.rows; ++i) {
    if (snapshot.item_popularity[i] > 0) trained.Set(i);
  }
  return trained;
}

double NormOf(const std::vector<float>& row) {
  double sum = 0;
  for (const float x : row) sum += double{x} * x;
  return std::sqrt(sum);
}

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
    const float* column = columns.data() + c * n;
    for (size_t i = 0; i < n; ++i) (*scores)[i] += query[c] * column[i];
  }
}

bool NewItems::Vectors::Direction(size_t at, std::vector<float>* row) const {
  const size_t dim = columns.size() / items.size();
  row->resize(dim);
  for (size_t c = 0; c < dim; ++c) (*row)[c] = columns[c * items.size() + at];
  const double norm = NormOf(*row);
  if (norm < kMinNorm) return false;
  for (float& x : *row) x = static_cast<float>(double{x} / norm);
  return true;
}

NewItems::NewItems(const model::Snapshot* snapshot)
    : snapshot_(snapshot), trained_(Trained(*snapshot)), tags_(snapshot) {}

std::shared_ptr<const NewItems::Vectors> NewItems::Update(
    const model::Interactions& interactions,
    const model::Catalogue& catalogue) {
  absl::MutexLock lock(&mutex_);
  UpdateTaken(interactions);
  UpdateTagged(catalogue);
  if (changed_) {
    vectors_ = MakeVectors();
    changed_ = false;
  }
  return vectors_;
}

void NewItems::UpdateTaken(const model::Interactions& interactions) {
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
}

void NewItems::UpdateTagged(const model::Catalogue& catalogue) {
  const model::CatalogueStamp stamp = catalogue.stamp();
  if (stamp == tagged_as_of_ && !tags_left_) return;
  if (stamp.reassigned != tagged_as_of_.reassigned) tags_.Clear();
  tagged_as_of_ = stamp;
  const bool had = !tagged_.empty();
  tagged_.clear();
  std::vector<model::ItemIndex> items;
  model::ItemTags tags;
  catalogue.CopyTagged(trained_, kMaxTagged, &items, &tags);
  int64_t budget = kTagBudget;
  std::vector<float> row;
  for (size_t i = 0; i < items.size(); ++i) {
    if (tags_.Mean(catalogue, tags.Of(i), &budget, &row)) {
      tagged_.emplace(items[i], row);
    }
  }
  tags_left_ = budget <= 0;
  changed_ = changed_ || had || !tagged_.empty();
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

void NewItems::AddColumn(model::ItemIndex item, std::vector<float>* row) const {
  row->assign(snapshot_->dim(), 0.0f);
  float users = 0;
  const auto taken = items_.find(item);
  if (taken != items_.end()) {
    users = static_cast<float>(taken->second.users.size());
    const double norm = NormOf(taken->second.sum);
    const float share =
        norm < kMinNorm ? 0.0f
                        : users / (users + kDoubt) / static_cast<float>(norm);
    for (size_t c = 0; c < row->size(); ++c) {
      (*row)[c] += share * taken->second.sum[c];
    }
  }
  const auto tagged = tagged_.find(item);
  if (tagged == tagged_.end()) return;
  for (size_t c = 0; c < row->size(); ++c) {
    (*row)[c] += kDoubt / (users + kDoubt) * tagged->second[c];
  }
}

std::shared_ptr<const NewItems::Vectors> NewItems::MakeVectors() const {
  auto vectors = std::make_shared<Vectors>();
  std::vector<model::ItemIndex>& items = vectors->items;
  for (const auto& [item, known] : items_) {
    if (NormOf(known.sum) > kMinNorm) items.push_back(item);
  }
  for (const auto& [item, row] : tagged_) items.push_back(item);
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  const size_t n = items.size();
  vectors->columns.resize(snapshot_->dim() * n);
  std::vector<float> row;
  for (size_t i = 0; i < n; ++i) {
    AddColumn(items[i], &row);
    vectors->by_tags.push_back(items_.contains(items[i]) ? 0 : 1);
    for (size_t c = 0; c < row.size(); ++c)
      vectors->columns[c * n + i] = row[c];
  }
  return vectors;
}

}  // namespace taud::query
