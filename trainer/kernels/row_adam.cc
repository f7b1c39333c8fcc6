#include "trainer/kernels/row_adam.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "trainer/kernels/vector_kernels.h"

namespace taud::trainer {
namespace {

// 1 / (1 − β^t) is 1 in float precision long before.
constexpr uint32_t kCorrectedSteps = 20000;

struct Corrections {
  std::vector<float> first, second;  // [kCorrectedSteps + 1]
  Corrections() : first(kCorrectedSteps + 1, 1.0f), second(first) {
    const AdamStep step;
    for (uint32_t t = 1; t <= kCorrectedSteps; ++t) {
      first[t] = static_cast<float>(1.0 / (1.0 - std::pow(step.beta1, t)));
      second[t] = static_cast<float>(1.0 / (1.0 - std::pow(step.beta2, t)));
    }
  }
};

}  // namespace

int64_t RowAdamStep(const GradientRows& gradients,
                    const std::vector<float>& rates, WorkerPool* pool,
                    EmbeddingTable* table) {
  static const Corrections& corrections = *new Corrections;
  const size_t count = gradients.rows().size();
  std::atomic<int64_t> kept_back{0};
  pool->Run([&](int worker) {
    const size_t workers = static_cast<size_t>(pool->workers());
    const size_t begin = count * static_cast<size_t>(worker) / workers;
    const size_t end = count * (static_cast<size_t>(worker) + 1) / workers;
    for (size_t i = begin; i < end; ++i) {
      const uint32_t row = gradients.rows()[i];
      const uint32_t t = std::min(table->Updates(row) + 1, kCorrectedSteps);
      AdamStep step;
      step.rate = rates[i] * corrections.first[t];
      step.correction2 = corrections.second[t];
      if (AdamOnSphere(step, gradients.Sum(i), table->dim(), table->Row(row),
                       table->Moment1(row), table->Moment2(row))) {
        table->Updates(row) = t;
      } else {
        std::fill_n(table->Moment1(row), table->dim(), 0.0f);
        std::fill_n(table->Moment2(row), table->dim(), 0.0f);
        table->Updates(row) = 0;
        kept_back.fetch_add(1, std::memory_order_relaxed);
      }
    }
  });
  return kept_back.load();
}

}  // namespace taud::trainer
