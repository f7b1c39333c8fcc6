#include "server/quality/served_lists.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "index/score_kernels.h"
#include "server/quality/estimates.h"

namespace taud::server {
namespace {

using model::ItemIndex;

// 1 − mean cosine of the pairs of items that have vectors.
double Diversity(const model::Snapshot& snapshot,
                 const std::vector<ItemIndex>& items) {
  double sum = 0;
  size_t pairs = 0;
  for (size_t a = 0; a < items.size(); ++a) {
    for (size_t b = 0; b < a; ++b) {
      if (items[a] >= snapshot.items.rows || items[b] >= snapshot.items.rows) {
        continue;
      }
      const float* row = snapshot.items.Row(items[a]);
      sum += double{
          index::ExactDot(row, snapshot.items.Row(items[b]), snapshot.dim())};
      ++pairs;
    }
  }
  return pairs == 0 ? 0 : 1 - sum / static_cast<double>(pairs);
}

std::optional<double> EntropyBits(const std::vector<float>& probabilities) {
  double sum = 0;
  for (const float p : probabilities) sum += double{p};
  if (sum <= 0) return std::nullopt;
  double bits = 0;
  for (const float p : probabilities) {
    if (p > 0) bits -= double{p} / sum * std::log2(double{p} / sum);
  }
  return bits;
}

double ShareInCommon(const std::vector<ItemIndex>& a,
                     const std::vector<ItemIndex>& b) {
  const absl::flat_hash_set<ItemIndex> items(a.begin(), a.end());
  const auto both = std::count_if(
      b.begin(), b.end(), [&](ItemIndex item) { return items.contains(item); });
  const size_t longer = std::max<size_t>(1, std::max(a.size(), b.size()));
  return static_cast<double>(both) / static_cast<double>(longer);
}

// Of the counts of `items` items, those that have none included.
double Gini(std::vector<double> counts, size_t items) {
  if (items == 0 || counts.empty()) return 0;
  std::sort(counts.begin(), counts.end());
  const size_t absent = items > counts.size() ? items - counts.size() : 0;
  double weighted = 0;
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    weighted += static_cast<double>(absent + i + 1) * counts[i];
    sum += counts[i];
  }
  const auto n = static_cast<double>(absent + counts.size());
  return sum == 0 ? 0 : 2 * weighted / (n * sum) - (n + 1) / n;
}

const char* NameOf(v1::Representation representation) {
  switch (representation) {
    case v1::REPRESENTATION_TRAINED:
      return "trained";
    case v1::REPRESENTATION_FOLDED_IN:
      return "folded_in";
    case v1::REPRESENTATION_CONTEXT:
      return "context";
    default:
      return "popular";
  }
}

}  // namespace

void ListSampler::Offer(const ServingModel& model, const RecommendTask& task,
                        const Recommendation& answer) {
  if (offered_.fetch_add(1, std::memory_order_relaxed) % kEvery != 0) return;
  if (task.kind != RecommendTask::Kind::kForUser || answer.items.empty()) {
    return;
  }
  ServedList list;
  list.user = task.user;
  list.representation = answer.representation;
  const size_t count = std::min(answer.items.size(), ServedList::kItems);
  for (size_t i = 0; i < count; ++i) {
    const RankedItem& item = answer.items[i];
    list.items.push_back(item.item);
    if (item.unscored) continue;
    list.scores.push_back(item.score);
    list.probabilities.push_back(item.probability);
  }
  list.diversity = Diversity(*model.snapshot, list.items);
  if (!mutex_.TryLock()) return;
  if (waiting_.size() < kMostWaiting) waiting_.push_back(std::move(list));
  mutex_.Unlock();
}

std::vector<ServedList> ListSampler::Take() {
  absl::MutexLock lock(&mutex_);
  return std::exchange(waiting_, {});
}

void ServedLists::Add(const ServedList& list, const model::State& state,
                      absl::Time now) {
  ++sampled_;
  Kept kept;
  kept.representation = list.representation;
  kept.items = list.items;
  const double users =
      static_cast<double>(std::max<size_t>(1, state.interactions.num_users()));
  for (const ItemIndex item : list.items) {
    const double who = state.interactions.ItemPositives(item);
    kept.popularity += state.interactions.ItemCount(item);
    kept.novelty -= std::log2(std::max(who, .5) / users);
  }
  const auto n = static_cast<double>(list.items.size());
  kept.popularity /= n;
  kept.novelty /= n;
  kept.diversity = list.diversity;
  kept.entropy = EntropyBits(list.probabilities);
  if (!kept_.empty() && list.user.has_value() && list.user != last_user_) {
    kept.unlike_last = 1 - ShareInCommon(kept_.back().items, list.items);
  }
  last_user_ = list.user;
  NoteScores(list, now);
  kept_.push_back(std::move(kept));
  if (kept_.size() > kMost) kept_.pop_front();
}

void ServedLists::NoteScores(const ServedList& list, absl::Time now) {
  if (now - hour_began_ >= absl::Hours(1)) {
    const bool has_some =
        std::accumulate(scores_now_.begin(), scores_now_.end(), 0.0) > 0;
    if (has_some) scores_before_ = scores_now_;
    scores_now_.assign(kScoreBins, 0);
    hour_began_ = now;
  }
  for (const float score : list.scores) {
    const float at = std::clamp(score, 0.0f, .999f) * kScoreBins;
    ++scores_now_[static_cast<size_t>(at)];
  }
}

void ServedLists::Clear() {
  kept_.clear();
  last_user_.reset();
}

void ServedLists::Fill(const model::State& state, size_t items_with_vector,
                       v1::ServedLists* lists) const {
  lists->set_sampled(sampled_);
  lists->set_lists(static_cast<double>(kept_.size()));
  if (kept_.empty()) return;
  absl::flat_hash_map<ItemIndex, double> counts;
  FadingMean popularity(kMost), novelty(kMost), diversity(kMost),
      entropy(kMost), unlike(kMost);
  for (const Kept& kept : kept_) {
    for (const ItemIndex item : kept.items) ++counts[item];
    popularity.Add(kept.popularity);
    novelty.Add(kept.novelty);
    diversity.Add(kept.diversity);
    if (kept.entropy.has_value()) entropy.Add(*kept.entropy);
    if (kept.unlike_last.has_value()) unlike.Add(*kept.unlike_last);
    (*lists->mutable_representation())[NameOf(kept.representation)] +=
        1 / static_cast<double>(kept_.size());
  }
  const size_t items = std::max(items_with_vector, counts.size());
  std::vector<double> values;
  ItemIndex top = 0;
  double most = 0;
  for (const auto& [item, count] : counts) {
    values.push_back(count);
    if (count > most || (count == most && item < top)) {
      top = item;
      most = count;
    }
  }
  lists->set_coverage(static_cast<double>(counts.size()) /
                      static_cast<double>(items));
  lists->set_gini(Gini(std::move(values), items));
  lists->set_average_popularity(popularity.mean());
  lists->set_novelty_bits(novelty.mean());
  lists->set_intra_list_diversity(diversity.mean());
  lists->set_personalisation(unlike.mean());
  lists->set_entropy_bits(entropy.mean());
  lists->set_top_item_share(most / static_cast<double>(kept_.size()));
  {
    const model::Dictionary::NamesLock lock(state.items);
    lists->set_top_item_id(std::string(state.items.Name(top)));
  }
  lists->set_score_psi(PopulationStability(scores_before_, scores_now_));
}

}  // namespace taud::server
