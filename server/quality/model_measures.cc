#include "server/quality/model_measures.h"

#include <algorithm>
#include <cmath>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "index/score_kernels.h"

namespace taud::server {
namespace {

using model::ItemIndex;
using model::UserIndex;

constexpr size_t kMaxRows = 4096;
// Of the log: its last eighth, within these bounds.
constexpr size_t kMinTail = 4096;
constexpr size_t kMaxTail = 65536;

// Calls visit(row) for at most `limit` trained rows, spread over all.
template <typename Visit>
void VisitTrained(const std::vector<uint32_t>& counts, size_t limit,
                  Visit visit) {
  const size_t trained = CountTrained(counts);
  const size_t stride = std::max<size_t>(1, (trained + limit - 1) / limit);
  size_t seen = 0;
  for (size_t row = 0; row < counts.size(); ++row) {
    if (counts[row] == 0) continue;
    if (seen++ % stride == 0) visit(row);
  }
}

// The k rows that are trained and nearest to `query`, without `self`.
std::vector<ItemIndex> BestItems(const model::Snapshot& snapshot,
                                 const float* query, size_t k, size_t self) {
  std::vector<std::pair<float, ItemIndex>> scored;
  scored.reserve(snapshot.items.rows);
  for (size_t item = 0; item < snapshot.items.rows; ++item) {
    if (snapshot.item_popularity[item] == 0 || item == self) continue;
    scored.emplace_back(
        -index::ExactDot(snapshot.items.Row(item), query, snapshot.dim()),
        static_cast<ItemIndex>(item));
  }
  const size_t count = std::min(k, scored.size());
  std::partial_sort(scored.begin(),
                    scored.begin() + static_cast<std::ptrdiff_t>(count),
                    scored.end());
  std::vector<ItemIndex> best;
  for (size_t i = 0; i < count; ++i) best.push_back(scored[i].second);
  return best;
}

bool HasUser(const model::Snapshot& snapshot, UserIndex user) {
  return user < snapshot.users.rows && snapshot.user_degree[user] > 0;
}

bool HasItem(const model::Snapshot& snapshot, ItemIndex item) {
  return item < snapshot.items.rows && snapshot.item_popularity[item] > 0;
}

}  // namespace

Spread SpreadOf(const model::Matrix& rows, const std::vector<uint32_t>& counts,
                uint32_t least) {
  std::vector<uint32_t> known = counts;
  for (uint32_t& count : known) count = count >= least ? count : 0;
  std::vector<double> mean(rows.cols, 0.0);
  Spread spread;
  VisitTrained(known, kMaxRows, [&](size_t row) {
    ++spread.rows;
    for (size_t c = 0; c < rows.cols; ++c) mean[c] += rows.Row(row)[c];
  });
  if (spread.rows == 0) return spread;
  double squares = 0;
  for (const double value : mean) squares += value * value;
  spread.length = std::sqrt(squares) / static_cast<double>(spread.rows);
  return spread;
}

std::vector<uint32_t> CountsInBoth(const std::vector<uint32_t>& a,
                                   const std::vector<uint32_t>& b) {
  std::vector<uint32_t> both(std::min(a.size(), b.size()));
  for (size_t row = 0; row < both.size(); ++row) {
    both[row] = std::min(a[row], b[row]);
  }
  return both;
}

double RowCosine(const model::Matrix& a, const std::vector<uint32_t>& a_counts,
                 const model::Matrix& b,
                 const std::vector<uint32_t>& b_counts) {
  if (a.cols != b.cols) return 0;
  double sum = 0;
  size_t seen = 0;
  VisitTrained(a_counts, kMaxRows, [&](size_t row) {
    if (row >= b.rows || b_counts[row] == 0) return;
    sum += double{index::ExactDot(a.Row(row), b.Row(row), a.cols)};
    ++seen;
  });
  return seen == 0 ? 1 : sum / static_cast<double>(seen);
}

size_t CountTrained(const std::vector<uint32_t>& counts) {
  return counts.size() - static_cast<size_t>(std::count(
                             counts.begin(), counts.end(), uint32_t{0}));
}

size_t CountLost(const std::vector<uint32_t>& before,
                 const std::vector<uint32_t>& now) {
  size_t lost = 0;
  for (size_t row = 0; row < before.size(); ++row) {
    if (before[row] == 0) continue;
    lost += row >= now.size() || now[row] == 0;
  }
  return lost;
}

TemperatureMeasures MeasureTemperatures(const model::Snapshot& snapshot) {
  std::vector<float> values;
  for (size_t user = 0; user < snapshot.users.rows; ++user) {
    if (snapshot.user_degree[user] == 0) continue;
    values.push_back(snapshot.temperatures[user]);
  }
  TemperatureMeasures measures;
  if (values.empty()) return measures;
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return double{values[static_cast<size_t>(
        share * static_cast<double>(values.size() - 1))]};
  };
  measures.p10 = at(.1);
  measures.p50 = at(.5);
  measures.p90 = at(.9);
  return measures;
}

std::vector<uint32_t> SampleTrained(const std::vector<uint32_t>& counts,
                                    size_t limit) {
  std::vector<uint32_t> rows;
  VisitTrained(counts, limit,
               [&](size_t row) { rows.push_back(static_cast<uint32_t>(row)); });
  return rows;
}

absl::StatusOr<Lists> ListsOf(const ServingModel& model,
                              const std::vector<UserIndex>& users, size_t k) {
  const model::Snapshot& snapshot = *model.snapshot;
  std::vector<index::Query> queries;
  std::vector<size_t> asked;
  for (size_t u = 0; u < users.size(); ++u) {
    if (!HasUser(snapshot, users[u])) continue;
    index::Query query;
    query.vector = snapshot.users.Row(users[u]);
    query.k = k;
    queries.push_back(query);
    asked.push_back(u);
  }
  std::vector<std::vector<index::Hit>> hits;
  absl::Status status = model.index->Search(queries, &hits);
  if (!status.ok()) return status;
  Lists lists(users.size());
  for (size_t q = 0; q < asked.size(); ++q) {
    for (const index::Hit& hit : hits[q]) {
      lists[asked[q]].push_back(hit.item);
    }
  }
  return lists;
}

Lists ExactListsOf(const model::Snapshot& snapshot,
                   const std::vector<UserIndex>& users, size_t k) {
  Lists lists(users.size());
  for (size_t u = 0; u < users.size(); ++u) {
    if (!HasUser(snapshot, users[u])) continue;
    lists[u] = BestItems(snapshot, snapshot.users.Row(users[u]), k, SIZE_MAX);
  }
  return lists;
}

Lists ExactNeighboursOf(const model::Snapshot& snapshot,
                        const std::vector<ItemIndex>& items, size_t k) {
  Lists lists(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    if (!HasItem(snapshot, items[i])) continue;
    lists[i] = BestItems(snapshot, snapshot.items.Row(items[i]), k, items[i]);
  }
  return lists;
}

double Overlap(const Lists& a, const Lists& b) {
  double sum = 0;
  size_t seen = 0;
  for (size_t u = 0; u < std::min(a.size(), b.size()); ++u) {
    if (a[u].empty() || b[u].empty()) continue;
    const absl::flat_hash_set<ItemIndex> items(a[u].begin(), a[u].end());
    const auto both =
        std::count_if(b[u].begin(), b[u].end(),
                      [&](ItemIndex item) { return items.contains(item); });
    sum += static_cast<double>(both) /
           static_cast<double>(std::max(a[u].size(), b[u].size()));
    ++seen;
  }
  return seen == 0 ? 1 : sum / static_cast<double>(seen);
}

ListMeasures MeasureLists(const Lists& lists) {
  ListMeasures measures;
  absl::flat_hash_map<ItemIndex, size_t> counts;
  size_t places = 0;
  for (const std::vector<ItemIndex>& list : lists) {
    if (list.empty()) continue;
    ++measures.lists;
    places += list.size();
    for (const ItemIndex item : list) ++counts[item];
  }
  if (measures.lists == 0) return measures;
  size_t most = 0;
  for (const auto& [item, count] : counts) {
    if (count < most || (count == most && item > measures.top_item)) continue;
    most = count;
    measures.top_item = item;
  }
  measures.distinct =
      static_cast<double>(counts.size()) / static_cast<double>(places);
  measures.top_item_share =
      static_cast<double>(most) / static_cast<double>(measures.lists);
  return measures;
}

PairSample SamplePairs(const model::State& state, model::Sequence through,
                       size_t pairs, size_t others) {
  const model::Interactions& log = state.interactions;
  const size_t end = log.PositionAfter(through);
  const size_t span = std::clamp(end / 8, kMinTail, kMaxTail);
  const size_t begin = end > span ? end - span : 0;
  std::vector<std::pair<UserIndex, ItemIndex>> tail;
  log.ForEach(begin, end, [&](const model::Interaction& interaction) {
    if (model::Interactions::IsErased(interaction)) return;
    if (!model::IsPositive(interaction.kind)) return;
    tail.emplace_back(interaction.user, interaction.item);
  });
  // Nobody has to know any more what was taken back since.
  log.KeepLiked(&tail);
  PairSample sample;
  if (tail.empty()) return sample;
  const size_t stride = std::max<size_t>(1, (tail.size() + pairs - 1) / pairs);
  for (size_t at = tail.size(); at > 0; at -= std::min(at, stride)) {
    sample.pairs.push_back(tail[at - 1]);
  }
  absl::flat_hash_set<ItemIndex> taken;
  const auto take = [&](ItemIndex item) {
    if (log.ItemPositives(item) > 0 && taken.insert(item).second) {
      sample.others.push_back(item);
    }
  };
  const size_t step = std::max<size_t>(1, tail.size() / others);
  for (size_t at = 0; at < tail.size() && taken.size() < others / 2;
       at += step) {
    take(tail[at].second);
  }
  const size_t items = log.num_items();
  const size_t leap = std::max<size_t>(1, items / others);
  for (size_t item = 0; item < items && taken.size() < others; item += leap) {
    take(static_cast<ItemIndex>(item));
  }
  return sample;
}

std::vector<PairOutcome> AskPairs(const model::Snapshot& snapshot,
                                  const PairSample& sample) {
  std::vector<PairOutcome> outcomes;
  outcomes.reserve(sample.pairs.size());
  for (const auto& [user, item] : sample.pairs) {
    if (!HasUser(snapshot, user) || !HasItem(snapshot, item)) {
      outcomes.push_back(PairOutcome::kNoRow);
      continue;
    }
    const float* row = snapshot.users.Row(user);
    const float score =
        index::ExactDot(snapshot.items.Row(item), row, snapshot.dim());
    size_t above = 0;
    size_t beside = 0;
    for (const ItemIndex other : sample.others) {
      if (other == item || !HasItem(snapshot, other)) continue;
      ++beside;
      // A tie says nothing for it.
      above += index::ExactDot(snapshot.items.Row(other), row,
                               snapshot.dim()) >= score;
    }
    outcomes.push_back(above * 20 <= beside ? PairOutcome::kHit
                                            : PairOutcome::kMiss);
  }
  return outcomes;
}

}  // namespace taud::server
