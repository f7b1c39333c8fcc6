#include "server/serving/serving_model.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "index/score_kernels.h"
#include "query/neighbourhood.h"

namespace taud::server {
namespace {

constexpr size_t kFoldInBytes = 16 << 20;

}  // namespace

const float* ItemRow(const ServingModel& model, model::ItemIndex item) {
  const model::Snapshot& snapshot = *model.snapshot;
  const bool known =
      item < snapshot.items.rows && snapshot.item_popularity[item] > 0;
  return known ? snapshot.items.Row(item) : nullptr;
}

float Cosine(const float* a, const float* b, size_t dim) {
  return std::clamp(index::ExactDot(a, b, dim), -1.0f, 1.0f);
}

absl::StatusOr<std::shared_ptr<const ServingModel>> BuildServingModel(
    std::shared_ptr<const model::Snapshot> snapshot,
    index::IndexBuilder* builder) {
  const absl::Time start = absl::Now();
  auto index = builder->Build(*snapshot);
  if (!index.ok()) return index.status();

  auto serving = std::make_shared<ServingModel>();
  serving->index = *std::move(index);
  serving->exact = serving->index->report().audited == 0;
  const std::vector<uint32_t>& popularity = snapshot->item_popularity;
  serving->trained.Assign(popularity.size(), false);
  for (size_t i = 0; i < popularity.size(); ++i) {
    if (popularity[i] == 0) continue;
    serving->trained.Set(i);
    serving->by_popularity.push_back(static_cast<model::ItemIndex>(i));
  }
  std::stable_sort(serving->by_popularity.begin(), serving->by_popularity.end(),
                   [&](model::ItemIndex a, model::ItemIndex b) {
                     return popularity[a] > popularity[b];
                   });
  serving->fold_in = std::make_unique<query::FoldIn>(snapshot.get());
  const query::NeighbourWeights weights = query::NeighbourWeightsOf(*snapshot);
  if (weights.weight > 0) {
    const double mean = query::MeanPopularity(popularity);
    for (const uint32_t users : popularity) {
      serving->neighbour_factors.push_back(
          weights.weight * query::PopularityFactor(users, mean, weights.power));
    }
  }
  serving->fold_ins =
      std::make_unique<query::FoldInCache>(snapshot->dim(), kFoldInBytes);
  serving->new_items = std::make_unique<query::NewItems>(snapshot.get());
  serving->snapshot = std::move(snapshot);
  serving->build_seconds = absl::ToDoubleSeconds(absl::Now() - start);
  return serving;
}

}  // namespace taud::server
