#include "server/serving/sum_ranking.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "query/magnitude_counts.h"
#include "server/serving/candidate_items.h"

namespace taud::server {
namespace {

using model::ItemIndex;
using query::MagnitudeCounts;
using query::NeighbourStrength;

// Gains that are scored before the search, besides one for each place.
constexpr size_t kHead = 64;
// Gains that are scored at once, their rows fetched side by side.
constexpr size_t kRound = 64;
// More than two ways of summing a cosine differ by: the index may have its own.
constexpr float kRounding = 1e-5f;

struct GainsMore {  // a type, so that it is inlined
  bool operator()(const NeighbourStrength& a,
                  const NeighbourStrength& b) const {
    return a.strength > b.strength;
  }
};

void Prefetch(const float* row, size_t dim) {
  for (size_t c = 0; c < dim; c += 16) __builtin_prefetch(row + c);
}

// Moves those that `keep` to the front and returns how many. What is kept is
// hard to foresee: nothing branches.
template <typename Keep>
size_t Compact(absl::Span<NeighbourStrength> gains, Keep keep) {
  size_t count = 0;
  for (const NeighbourStrength& gain : gains) {
    const bool wanted = keep(gain);
    gains[count] = gain;
    count += wanted ? 1 : 0;
  }
  return count;
}

// A bit an item, the thread's; between calls none is set, so that nothing may
// throw while some are.
model::Bitmap& Bits(size_t items) {
  thread_local model::Bitmap bits;
  if (bits.size() < items) bits.Resize(items);
  return bits;
}

}  // namespace

SumRanking::SumRanking(const ServingModel& model, NeighbourGains gains,
                       const std::vector<float>& query,
                       const model::Bitmap* eligible,
                       absl::Span<const ItemIndex> forbidden, size_t depth)
    : model_(model),
      query_(query),
      forbidden_(forbidden),
      depth_(depth),
      rest_(std::move(gains)) {
  if (eligible != nullptr) {
    rest_.resize(Compact(absl::MakeSpan(rest_), [eligible](const auto& gain) {
      return eligible->Test(gain.item);
    }));
  }
  if (rest_.empty() || depth == 0) return;
  Score(TakeHead());
  // An item that none of the lists names needs a cosine of Least(), and one of
  // the rest what it gains less.
  if (model.exact && Full()) {
    floor_ = Least() - greatest_of_rest_ - kRounding;
  }
}

NeighbourGains SumRanking::TakeHead() {
  MagnitudeCounts counts;
  for (const NeighbourStrength& gain : rest_) counts.Add(gain.strength);
  const size_t wanted = depth_ + kHead;
  size_t above = 0;
  const uint32_t last = counts.Reaching(wanted, &above);
  // Of one magnitude there may be very many: some of them are enough.
  const size_t most = std::min(rest_.size(), 2 * wanted);
  NeighbourGains head(most + 1);
  size_t taken = 0;
  size_t left = most - std::min(most, above);
  rest_.resize(Compact(absl::MakeSpan(rest_), [&](const auto& gain) {
    const uint32_t magnitude = MagnitudeCounts::Of(gain.strength);
    const bool of_last = magnitude == last && left > 0;
    const bool take = magnitude > last || of_last;
    left -= of_last ? 1 : 0;
    head[taken] = gain;
    taken += take ? 1 : 0;
    return !take;
  }));
  head.resize(taken);
  const bool all_of_last = left > 0;
  if (!rest_.empty()) {
    greatest_of_rest_ = MagnitudeCounts::Bound(all_of_last ? last : last + 1);
  }
  return head;
}

void SumRanking::Score(absl::Span<const NeighbourStrength> gains) {
  scored_.reserve(scored_.size() + gains.size());
  std::array<const float*, kRound> rows;
  while (!gains.empty()) {
    const auto round = gains.subspan(0, kRound);
    gains.remove_prefix(round.size());
    for (size_t i = 0; i < round.size(); ++i) {
      rows[i] = ItemRow(model_, round[i].item);
      if (rows[i] != nullptr) Prefetch(rows[i], query_.size());
    }
    for (size_t i = 0; i < round.size(); ++i) {
      if (rows[i] == nullptr) continue;
      RankedItem ranked;
      ranked.item = round[i].item;
      ranked.score =
          Cosine(rows[i], query_.data(), query_.size()) + round[i].strength;
      scored_.push_back(ranked.item);
      // Most are not among the best: the others are looked up.
      if (Full() && !HigherScore()(ranked, best_.front())) continue;
      if (!IsForbidden(forbidden_, ranked.item)) Offer(ranked);
    }
  }
}

void SumRanking::Offer(const RankedItem& ranked) {
  if (Full()) {
    if (!HigherScore()(ranked, best_.front())) return;
    std::pop_heap(best_.begin(), best_.end(), HigherScore());
    best_.pop_back();
  }
  best_.push_back(ranked);
  std::push_heap(best_.begin(), best_.end(), HigherScore());
}

float SumRanking::Least() const {
  return Full() ? best_.front().score : -std::numeric_limits<float>::infinity();
}

void SumRanking::Complete(std::vector<RankedItem>* items) {
  if (depth_ == 0 || (rest_.empty() && scored_.empty())) return;
  // Whatever is not among *items has no more than this.
  float least_cosine = 1;
  if (model_.exact) {
    // If there was no floor and they are fewer, they are all that there are.
    const bool full = items->size() >= depth_;
    least_cosine = full ? std::max(items->back().score, floor_) : floor_;
  }
  AddUp(least_cosine, items);
  // The greatest gains first, a round at a time, until what is left cannot
  // reach the best. Each round is twice as long as the one before, so that all
  // are no more than n log n where nothing can be left out; and as long as the
  // list is not full, nothing can.
  absl::Span<NeighbourStrength> left = absl::MakeSpan(rest_);
  for (size_t most = kRound; !left.empty(); most *= 2) {
    const size_t round = Full() ? std::min(most, left.size()) : left.size();
    if (round < left.size()) {
      std::nth_element(left.begin(), left.begin() + round, left.end(),
                       GainsMore());
    }
    Score(left.subspan(0, round));
    left.remove_prefix(round);
    const float least = Least();
    left = left.subspan(0, Compact(left, [=](const auto& gain) {
                          return gain.strength + least_cosine >= least;
                        }));
  }
  std::sort_heap(best_.begin(), best_.end(), HigherScore());
  *items = std::move(best_);
}

void SumRanking::AddUp(float least_cosine, std::vector<RankedItem>* items) {
  best_.reserve(std::min(depth_, best_.size() + items->size()));
  absl::flat_hash_map<ItemIndex, RankedItem*> place_of;
  for (RankedItem& ranked : *items) place_of.emplace(ranked.item, &ranked);
  model::Bitmap& bits = Bits(model_.neighbour_factors.size());
  for (const RankedItem& ranked : *items) bits.Set(ranked.item);
  for (const NeighbourStrength& gain : rest_) {
    // Of a thousand that gain hardly one is listed: its bit is asked first.
    if (!bits.Test(gain.item)) continue;
    place_of.find(gain.item)->second->score += gain.strength;
  }
  // Those that were scored before are among the best, or behind them.
  for (const ItemIndex item : scored_) bits.Clear(item);
  for (const RankedItem& ranked : *items) {
    if (bits.Test(ranked.item)) Offer(ranked);
  }
  const float least = Least();
  if (greatest_of_rest_ + least_cosine < least) {
    rest_.clear();
  } else {
    rest_.resize(Compact(absl::MakeSpan(rest_), [&](const auto& gain) {
      return !bits.Test(gain.item) & (gain.strength + least_cosine >= least);
    }));
  }
  for (const RankedItem& ranked : *items) bits.Clear(ranked.item);
}

}  // namespace taud::server
