#include "trainer/graph/linear_cpu_backbone.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "trainer/graph/interaction_graph.h"
#include "trainer/kernels/sparse_rows.h"

namespace taud::trainer {
namespace {

// P = (I + Â + … + Â^K) / (K + 1), symmetric: E + Â (E + Â (E + …)), so that
// each layer is one product and no layer is kept.
class LightGcn final : public LinearCpuBackbone {
 public:
  LightGcn(SparseRows graph, int64_t dim, int layers, WorkerPool* pool)
      : graph_(std::move(graph)), dim_(dim), layers_(layers), pool_(pool) {}

  int64_t parameters() const override { return graph_.rows(); }

  void Forward(const float* e, const uint8_t* wanted, float* r) override {
    Apply(e, nullptr, wanted, r);
  }
  void Backward(const float* g, const uint8_t* nonzero, float* d) override {
    Apply(g, nonzero, nullptr, d);
  }

 private:
  // Only the last product can do with the rows that are wanted, and only the
  // first has rows that are zero.
  void Apply(const float* x, const uint8_t* nonzero, const uint8_t* wanted,
             float* y) {
    const float* sum = x;
    for (int layer = 1; layer <= layers_; ++layer) {
      const bool last = layer == layers_;
      SparseRows::Product product;
      product.x = sum;
      product.dim = dim_;
      product.base = x;
      product.nonzero = layer == 1 ? nonzero : nullptr;
      product.wanted = last ? wanted : nullptr;
      product.scale = last ? 1.0f / static_cast<float>(layers_ + 1) : 1.0f;
      float* to = last ? y : Scratch(layer % 2);
      graph_.Multiply(product, pool_, to);
      sum = to;
    }
  }

  float* Scratch(int which) {
    scratch_[which].resize(static_cast<size_t>(graph_.rows() * dim_));
    return scratch_[which].data();
  }

  const SparseRows graph_;
  const int64_t dim_;
  const int layers_;
  WorkerPool* const pool_;
  std::vector<float> scratch_[2];
};

// SVD++: the representations of one side are its own rows plus H times those
// of `sources`, the others are as they are.
class Histories final : public LinearCpuBackbone {
 public:
  struct Span {
    int64_t begin, rows;
  };
  // `receivers` are rows of R and of E, `sources` rows of E, which has `rows`.
  Histories(const std::vector<SparseEntry>& entries, Span receivers,
            Span sources, int64_t rows, int64_t representations, int64_t dim,
            WorkerPool* pool)
      : straight_(receivers.rows, entries),
        transposed_(sources.rows, entries, /*transposed=*/true),
        receivers_(receivers),
        sources_(sources),
        rows_(rows),
        representations_(representations),
        dim_(dim),
        pool_(pool) {}

  int64_t parameters() const override { return rows_; }

  void Forward(const float* e, const uint8_t* wanted, float* r) override {
    std::copy_n(e, representations_ * dim_, r);
    SparseRows::Product product;
    product.x = e + sources_.begin * dim_;
    product.dim = dim_;
    product.base = e + receivers_.begin * dim_;
    product.wanted = wanted == nullptr ? nullptr : wanted + receivers_.begin;
    straight_.Multiply(product, pool_, r + receivers_.begin * dim_);
  }

  void Backward(const float* g, const uint8_t* nonzero, float* d) override {
    std::copy_n(g, representations_ * dim_, d);
    SparseRows::Product product;
    product.x = g + receivers_.begin * dim_;
    product.dim = dim_;
    // Rows of E that are no representation have no gradient of their own.
    product.base =
        sources_.begin < representations_ ? g + sources_.begin * dim_ : nullptr;
    product.nonzero = nonzero == nullptr ? nullptr : nonzero + receivers_.begin;
    transposed_.Multiply(product, pool_, d + sources_.begin * dim_);
  }

 private:
  const SparseRows straight_, transposed_;
  const Span receivers_, sources_;
  const int64_t rows_, representations_, dim_;
  WorkerPool* const pool_;
};

}  // namespace

std::unique_ptr<LinearCpuBackbone> MakeLinearCpuBackbone(
    const OfflineFitOptions& options, const model::ItemLists& train,
    uint32_t num_items, WorkerPool* pool) {
  const int64_t n = static_cast<int64_t>(train.size());
  const int64_t m = num_items;
  const double alpha0 = options.alpha0;
  const double alpha1 = options.alpha1;
  if (options.backbone == Backbone::kSvdPpUser) {
    return std::make_unique<Histories>(
        UserHistories(train, num_items, alpha0, alpha1), Histories::Span{0, n},
        Histories::Span{n + m, m}, n + m + m, n + m, options.dim, pool);
  }
  if (options.backbone == Backbone::kSvdPpItem) {
    return std::make_unique<Histories>(
        ItemHistories(train, num_items, alpha0, alpha1), Histories::Span{n, m},
        Histories::Span{0, n}, n + m, n + m, options.dim, pool);
  }
  std::mt19937_64 unused;
  return std::make_unique<LightGcn>(
      SparseRows(n + m, SymmetricGraph(train, num_items, 1.0, &unused)),
      options.dim, options.layers, pool);
}

}  // namespace taud::trainer
