#include "lab/synthetic_snapshot.h"

#include <random>

#include "trainer/kernels/unit_row.h"

namespace taud::lab {
namespace {

constexpr size_t kPerturbedOneIn = 64;

}  // namespace

std::unique_ptr<model::Snapshot> MakeSyntheticSnapshot(size_t users,
                                                       size_t items, size_t dim,
                                                       uint64_t seed) {
  auto snapshot = std::make_unique<model::Snapshot>();
  snapshot->users = model::Matrix(users, dim);
  snapshot->items = model::Matrix(items, dim);
  std::mt19937_64 random(seed);
  for (model::Matrix* matrix : {&snapshot->users, &snapshot->items}) {
    for (size_t r = 0; r < matrix->rows; ++r) {
      trainer::RandomUnitRow(&random, dim, matrix->Row(r));
    }
  }
  snapshot->user_degree.assign(users, 20);
  snapshot->temperatures.assign(users, 0.1f);
  snapshot->tau0 = 0.1f;
  snapshot->item_popularity.resize(items);
  for (size_t i = 0; i < items; ++i) {
    snapshot->item_popularity[i] = static_cast<uint32_t>(1 + items / (i + 1));
  }
  return snapshot;
}

std::unique_ptr<model::Snapshot> PerturbSnapshot(const model::Snapshot& before,
                                                 uint64_t seed) {
  auto snapshot = std::make_unique<model::Snapshot>(before);
  snapshot->version = 0;
  std::mt19937_64 random(seed);
  for (model::Matrix* matrix : {&snapshot->users, &snapshot->items}) {
    for (size_t r = random() % kPerturbedOneIn; r < matrix->rows;
         r += kPerturbedOneIn) {
      trainer::RandomUnitRow(&random, matrix->cols, matrix->Row(r));
    }
  }
  return snapshot;
}

}  // namespace taud::lab
