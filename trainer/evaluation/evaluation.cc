#include "trainer/evaluation/evaluation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "trainer/kernels/matrix_kernels.h"
#include "trainer/kernels/worker_pool.h"

namespace taud::trainer {
namespace {

constexpr size_t kBlockUsers = 60;  // a multiple of the products' tile
constexpr float kNever = -std::numeric_limits<float>::infinity();

std::vector<uint32_t> UntrainedItems(const model::Matrix& items) {
  std::vector<uint32_t> untrained;
  for (uint32_t i = 0; i < items.rows; ++i) {
    const float* row = items.Row(i);
    if (std::all_of(row, row + items.cols, [](float x) { return x == 0; })) {
      untrained.push_back(i);
    }
  }
  return untrained;
}

// The k best of `scores`, best first. Scores of kNever are left out. `best` is
// scratch.
std::vector<uint32_t> TopK(const float* scores, size_t count, size_t k,
                           std::vector<std::pair<float, uint32_t>>* best) {
  // As pairs of negated score and index, the least is the best; the heap's top
  // is the worst that is still among the k.
  best->clear();
  for (size_t i = 0; i < count; ++i) {
    if (scores[i] == kNever) continue;
    if (best->size() == k && -scores[i] >= best->front().first) continue;
    if (best->size() == k) {
      std::pop_heap(best->begin(), best->end());
      best->pop_back();
    }
    best->emplace_back(-scores[i], static_cast<uint32_t>(i));
    std::push_heap(best->begin(), best->end());
  }
  std::sort_heap(best->begin(), best->end());
  std::vector<uint32_t> items;
  for (const auto& [score, item] : *best) items.push_back(item);
  return items;
}

}  // namespace

double GainOfRank(double rank) { return 1.0 / std::log2(rank + 1.0); }

void RankedHits::Next(bool hit) {
  ++ranks_;
  const double gain = GainOfRank(static_cast<double>(ranks_));
  if (ranks_ <= relevant_) ideal_ += gain;
  if (!hit) return;
  hits_ += 1;
  gain_ += gain;
}

model::ItemLists TopItems(const model::Matrix& users,
                          const model::Matrix& items,
                          const model::ItemLists& train,
                          const model::ItemLists& test, size_t k, int threads) {
  return TopItemsOfSum(users, items, train, test, k, threads, nullptr);
}

model::ItemLists TopItemsOfSum(const model::Matrix& users,
                               const model::Matrix& items,
                               const model::ItemLists& train,
                               const model::ItemLists& test, size_t k,
                               int threads, const AddToScores& add) {
  model::ItemLists lists(test.size());
  std::vector<uint32_t> ranked;  // users to rank for
  for (uint32_t u = 0; u < std::min(test.size(), users.rows); ++u) {
    if (!test[u].empty()) ranked.push_back(u);
  }
  if (ranked.empty() || items.rows == 0 || k == 0) return lists;

  const std::vector<uint32_t> untrained = UntrainedItems(items);
  const int64_t width = static_cast<int64_t>(items.cols);
  const int64_t padded = (static_cast<int64_t>(items.rows) + kPackedRows - 1) /
                         kPackedRows * kPackedRows;
  std::vector<float> panels = items.values;
  panels.resize(static_cast<size_t>(padded * width), 0.0f);
  PackTransposed(std::vector<float>(panels).data(), padded, width,
                 panels.data());
  WorkerPool pool(threads);
  pool.Run([&](int worker) {
    std::vector<float> block(kBlockUsers * users.cols);
    std::vector<float> scores;
    std::vector<std::pair<float, uint32_t>> best;
    const size_t stride = kBlockUsers * static_cast<size_t>(pool.workers());
    for (size_t begin = kBlockUsers * static_cast<size_t>(worker);
         begin < ranked.size(); begin += stride) {
      const size_t count = std::min(kBlockUsers, ranked.size() - begin);
      for (size_t r = 0; r < count; ++r) {
        std::copy_n(users.Row(ranked[begin + r]), users.cols,
                    &block[r * users.cols]);
      }
      scores.assign(kBlockUsers * static_cast<size_t>(padded), 0.0f);
      for (int64_t j = 0; j < padded; j += kPackedRows) {
        MultiplyInto(static_cast<int64_t>(count), kPackedRows, width,
                     {block.data(), width, 1}, &panels[j * width], kPackedRows,
                     &scores[j], padded);
      }
      for (size_t r = 0; r < count; ++r) {
        const uint32_t user = ranked[begin + r];
        float* row = &scores[r * static_cast<size_t>(padded)];
        if (add) add(worker, user, row);
        for (const uint32_t item : untrained) row[item] = kNever;
        if (user < train.size()) {
          for (const uint32_t item : train[user]) {
            if (item < items.rows) row[item] = kNever;
          }
        }
        lists[user] = TopK(row, items.rows, k, &best);
      }
    }
  });
  return lists;
}

}  // namespace taud::trainer
