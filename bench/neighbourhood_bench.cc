// What the neighbourhood costs: finding all lists of neighbours and keeping
// them up with a stream, and a lone query with them beside one without, by the
// length of the user's history. The world is made up: a user chooses four of
// five items in one of 40 groups, by popularity, as Gowalla has 27 a user.
//
// usage: neighbourhood_bench [ITEMS [THREADS [LENGTH_OF_LISTS]]]
// by default 41000 1 128, as the daemon has it

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include "index/builder/index_builder.h"
#include "lab/synthetic_snapshot.h"
#include "model/state.h"
#include "model/unit_norm.h"
#include "query/neighbourhood.h"
#include "server/serving/recommender.h"
#include "trainer/neighbours/neighbour_upkeep.h"

namespace taud {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kGroups = 40;
constexpr size_t kItemsAUser = 27;
constexpr size_t kStreamed = 100000;  // pairs that come after the lists stand
constexpr int kQueries = 1500;        // of each history length

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

class Chooser {
 public:
  explicit Chooser(size_t items) : items_(items) {}
  // One of `count` by a power law: the first is the most popular.
  size_t Rank(size_t count) {
    const double x = std::pow(uniform_(random_), 3.0);
    return std::min(static_cast<size_t>(x * static_cast<double>(count)),
                    count - 1);
  }
  uint32_t Item(size_t group) {
    if (uniform_(random_) < 0.2) return static_cast<uint32_t>(Rank(items_));
    const size_t at = Rank(items_ / kGroups) * kGroups + group;
    return static_cast<uint32_t>(std::min(at, items_ - 1));
  }
  // `count` distinct ones.
  std::vector<uint32_t> Some(size_t group, size_t count) {
    std::vector<uint32_t> items;
    while (items.size() < count) {
      const uint32_t item = Item(group);
      if (std::find(items.begin(), items.end(), item) == items.end()) {
        items.push_back(item);
      }
    }
    return items;
  }

 private:
  const size_t items_;
  std::mt19937_64 random_{1};
  std::uniform_real_distribution<double> uniform_;
};

// Pairs in the order of time: users take turns.
std::vector<std::pair<uint32_t, uint32_t>> MakePairs(size_t users,
                                                     Chooser* chooser) {
  std::vector<std::vector<uint32_t>> items;
  for (size_t u = 0; u < users; ++u) {
    items.push_back(chooser->Some(u % kGroups, kItemsAUser));
  }
  std::vector<std::pair<uint32_t, uint32_t>> pairs;
  for (size_t n = 0; n < kItemsAUser; ++n) {
    for (size_t u = 0; u < users; ++u) {
      pairs.emplace_back(static_cast<uint32_t>(u), items[u][n]);
    }
  }
  return pairs;
}

model::NeighbourLists BuildLists(
    const std::vector<std::pair<uint32_t, uint32_t>>& pairs, size_t length,
    int threads, std::vector<uint32_t>* popularity) {
  trainer::PositiveGraph graph;
  for (const auto& [user, item] : pairs) graph.Add(user, item);
  for (uint32_t i = 0; i < graph.num_items(); ++i) {
    popularity->push_back(static_cast<uint32_t>(graph.users_of(i).size()));
  }
  const size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
  const Clock::time_point start = Clock::now();
  model::NeighbourLists lists =
      trainer::FindAllNeighbours(graph, length, threads);
  const double seconds = Seconds(start);
  const size_t after = mallinfo2().uordblks + mallinfo2().hblkhd;
  std::printf(
      "all lists: %.1f s on %d threads, %.0f bytes an item\n", seconds, threads,
      static_cast<double>(after - before) / static_cast<double>(lists.size()));
  return lists;
}

void Stream(const std::vector<std::pair<uint32_t, uint32_t>>& pairs,
            size_t length, const model::NeighbourLists& lists) {
  trainer::NeighbourUpkeep upkeep(length);
  trainer::PositivePairs known;
  for (size_t n = 0; n + kStreamed < pairs.size(); ++n) {
    known.Add(pairs[n].first, pairs[n].second, 1.0f);
  }
  upkeep.Begin(known, lists, {});
  upkeep.Refresh(SIZE_MAX);  // what the last pairs alone had made
  const Clock::time_point start = Clock::now();
  for (size_t n = pairs.size() - kStreamed; n < pairs.size(); ++n) {
    upkeep.Add(pairs[n].first, pairs[n].second);
    if (n % 1000 == 0) upkeep.Refresh(SIZE_MAX);
  }
  upkeep.Refresh(SIZE_MAX);
  std::printf("a stream, no list left stale: %.0f pairs/s on one thread\n",
              static_cast<double>(kStreamed) / Seconds(start));
}

// Rows of a group lie around the row of its first item: cosines and lists agree
// as far as they do when both are learnt from the same pairs.
void GatherGroups(model::Matrix* items) {
  for (size_t i = kGroups; i < items->rows; ++i) {
    const float* centre = items->Row(i % kGroups);
    std::vector<float> row(centre, centre + items->cols);
    for (size_t c = 0; c < items->cols; ++c) row[c] += items->Row(i)[c];
    model::Normalise(&row);
    std::copy(row.begin(), row.end(), items->Row(i));
  }
}

std::shared_ptr<const server::ServingModel> Serve(
    const model::Snapshot& from, const model::NeighbourLists* lists) {
  auto snapshot = std::make_shared<model::Snapshot>(from);
  if (lists != nullptr) {
    snapshot->neighbours = *lists;
    snapshot->metrics[query::kNeighbourWeightMetric] = 0.2;
    snapshot->metrics[query::kNeighbourPowerMetric] = 0.25;
  }
  index::IndexBuilder builder{index::IndexOptions()};
  auto model = server::BuildServingModel(std::move(snapshot), &builder);
  if (!model.ok()) {
    std::fprintf(stderr, "%s\n", model.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(model);
}

double Median(std::vector<double>* values) {
  std::nth_element(values->begin(),
                   values->begin() + static_cast<ptrdiff_t>(values->size() / 2),
                   values->end());
  return (*values)[values->size() / 2];
}

void Query(size_t items, const model::Snapshot& snapshot,
           const model::NeighbourLists& lists, Chooser* chooser) {
  const auto plain = Serve(snapshot, nullptr);
  const auto both = Serve(snapshot, &lists);
  std::printf("%zu items, lone queries, k = 20, medians of %d:\n", items,
              kQueries);
  std::printf("%8s %12s %12s %8s\n", "history", "vectors, us", "and lists",
              "ratio");
  model::State state;
  uint32_t user = static_cast<uint32_t>(snapshot.users.rows);
  for (const size_t length : {1, 3, 10, 30, 100, 256, 500}) {
    std::vector<double> times[2];
    for (int n = 0; n < kQueries; ++n) {
      const server::ServingModel* models[] = {plain.get(), both.get()};
      if (n % 100 == 0) {
        ++user;
        for (const uint32_t item : chooser->Some(user % kGroups, length)) {
          model::Interaction interaction;
          interaction.sequence = state.interactions.last_sequence() + 1;
          interaction.user = user;
          interaction.item = item;
          interaction.kind = model::InteractionKind::kClick;
          state.interactions.Append(interaction);
        }
      }
      for (const int which : {n % 2, 1 - n % 2}) {
        server::RecommendTask task;
        task.user = user;
        task.k = 20;
        std::vector<server::Recommendation> answers;
        const Clock::time_point start = Clock::now();
        if (!server::Recommend(*models[which], state, 0, {&task, 1}, &answers)
                 .ok()) {
          std::exit(1);
        }
        times[which].push_back(Seconds(start) * 1e6);
      }
    }
    const double without = Median(&times[0]), with = Median(&times[1]);
    std::printf("%8zu %12.1f %12.1f %8.2f\n", length, without, with,
                with / without);
    std::fflush(stdout);
  }
}

int Main(int argc, char** argv) {
  const auto argument = [&](int at, long otherwise) {
    return argc > at ? std::atol(argv[at]) : otherwise;
  };
  const long items = argument(1, 41000), threads = argument(2, 1),
             length = argument(3, 128);
  if (items < 10000 || items > 100000000 || threads < 1 || threads > 256 ||
      length < 1 || length > 1000) {
    std::fprintf(stderr,
                 "usage: neighbourhood_bench [ITEMS [THREADS [LENGTH]]], from "
                 "10,000 items, 1 to 256 threads, lists of 1 to 1,000\n");
    return 2;
  }
  const auto n = static_cast<size_t>(items);
  Chooser chooser(n);
  const auto pairs = MakePairs(n * 3 / 4, &chooser);
  std::printf("%zu items, %zu users, %zu pairs, lists of %ld\n", n, n * 3 / 4,
              pairs.size(), length);
  std::fflush(stdout);
  std::vector<uint32_t> popularity;
  const model::NeighbourLists lists =
      BuildLists(pairs, static_cast<size_t>(length), static_cast<int>(threads),
                 &popularity);
  Stream(pairs, static_cast<size_t>(length), lists);
  auto snapshot = lab::MakeSyntheticSnapshot(1000, n, 64, 1);
  GatherGroups(&snapshot->items);
  popularity.resize(n);
  for (size_t i = 0; i < n; ++i) {
    snapshot->item_popularity[i] = std::max(popularity[i], 1u);
  }
  Query(n, *snapshot, lists, &chooser);
  return 0;
}

}  // namespace
}  // namespace taud

int main(int argc, char** argv) { return taud::Main(argc, argv); }
