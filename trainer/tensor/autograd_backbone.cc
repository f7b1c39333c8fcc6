#include "trainer/tensor/autograd_backbone.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <utility>

#include "trainer/graph/interaction_graph.h"
#include "trainer/offline/starting_rows.h"

namespace taud::trainer {
namespace {

// Rows that are not normalised start this long: SSM's authors draw each value
// with a deviation of 0.1 at most.
constexpr float kFreeNorm = 0.5f;

// A table of random rows of one length, zero for those who do not take part.
at::Tensor StartTable(int64_t dim, float norm,
                      const std::vector<bool>& takes_part,
                      const at::Device& device, std::mt19937_64* random) {
  model::Matrix drawn =
      DrawUnitRows(takes_part, static_cast<size_t>(dim), random);
  const at::Tensor host = at::from_blob(
      drawn.values.data(), {static_cast<int64_t>(drawn.rows), dim}, at::kFloat);
  return (host * norm).to(device).requires_grad_(true);
}

at::Tensor DropMessages(const at::Tensor& x, double share, bool training) {
  return training && share > 0 ? at::dropout(x, share, true) : x;
}

class MatrixFactorisation final : public AutogradBackbone {
 public:
  MatrixFactorisation(at::Tensor users, at::Tensor items) {
    tables_ = {std::move(users), std::move(items)};
  }
  Representations Forward(bool) override {
    return {tables_[0], tables_[1], {}};
  }
  bool rows_are_apart() const override { return true; }
};

// SVD++ (Koren, KDD 2008): one side's rows plus the sum of its history's rows.
// On the user side the items that users have taken have second rows; on the
// item side users' own rows are added (SSM, Eq. 30).
class Histories final : public AutogradBackbone {
 public:
  Histories(at::Tensor users, at::Tensor items, at::Tensor second,
            std::shared_ptr<const SparseMatrix> histories, bool user_side)
      : histories_(std::move(histories)), user_side_(user_side) {
    tables_ = {std::move(users), std::move(items)};
    if (user_side_) tables_.push_back(std::move(second));
  }
  Representations Forward(bool) override {
    if (user_side_) {
      return {
          tables_[0] + SparseProduct(histories_, tables_[2]), tables_[1], {}};
    }
    return {tables_[0], tables_[1] + SparseProduct(histories_, tables_[0]), {}};
  }

 private:
  const std::shared_ptr<const SparseMatrix> histories_;
  const bool user_side_;
};

// The mean of Â^l E over l = 0 … K (LightGCN, He et al., SIGIR 2020).
class LightGcn final : public AutogradBackbone {
 public:
  LightGcn(at::Tensor users, at::Tensor items,
           std::shared_ptr<const SparseMatrix> graph, int layers,
           double message_dropout)
      : graph_(std::move(graph)),
        layers_(layers),
        message_dropout_(message_dropout) {
    tables_ = {std::move(users), std::move(items)};
  }
  Representations Forward(bool training) override {
    return Propagate(graph_, training ? message_dropout_ : 0.0, 0.0);
  }
  Representations ForwardOver(
      const std::shared_ptr<const SparseMatrix>& graph) override {
    return Propagate(graph, 0.0, 0.0);
  }
  Representations ForwardWithNoise(double noise) override {
    return Propagate(graph_, 0.0, noise);
  }

 private:
  Representations Propagate(const std::shared_ptr<const SparseMatrix>& graph,
                            double dropout, double noise) const {
    Representations result;
    at::Tensor layer = at::cat({tables_[0], tables_[1]}, 0);
    // SimGCL leaves the layer of no propagation out.
    at::Tensor sum = noise > 0 ? at::zeros_like(layer) : layer;
    result.layers.push_back(layer);
    for (int l = 0; l < layers_; ++l) {
      layer = SparseProduct(graph, DropMessages(layer, dropout, true));
      if (noise > 0) {
        const at::Tensor random = at::rand_like(layer);
        const at::Tensor direction =
            random / random.norm(2, {1}, true).clamp_min(1e-12);
        layer = layer + at::sign(layer.detach()) * direction * noise;
      }
      sum = sum + layer;
      result.layers.push_back(layer);
    }
    const at::Tensor mean = sum / static_cast<double>(layers_ + 1);
    const int64_t users = tables_[0].size(0);
    result.users = mean.narrow(0, 0, users);
    result.items = mean.narrow(0, users, tables_[1].size(0));
    return result;
  }

  const std::shared_ptr<const SparseMatrix> graph_;
  const int layers_;
  const double message_dropout_;
};

// NGCF (Wang et al., SIGIR 2019, Eq. 7–8): each layer
//   LeakyReLU((Â + I) E W₁ + (Â E ⊙ E) W₂), then unit rows,
// all layers concatenated.
class Ngcf final : public AutogradBackbone {
 public:
  Ngcf(at::Tensor users, at::Tensor items,
       std::shared_ptr<const SparseMatrix> graph, int layers,
       double message_dropout, std::mt19937_64* random)
      : graph_(std::move(graph)), message_dropout_(message_dropout) {
    tables_ = {std::move(users), std::move(items)};
    const int64_t dim = tables_[0].size(1);
    // Xavier's uniform start.
    std::uniform_real_distribution<float> start(-1.0f, 1.0f);
    const float bound = std::sqrt(6.0f / static_cast<float>(2 * dim));
    for (int w = 0; w < 2 * layers; ++w) {
      at::Tensor weight = at::empty({dim, dim}, at::kFloat);
      for (int64_t i = 0; i < dim * dim; ++i) {
        weight.data_ptr<float>()[i] = bound * start(*random);
      }
      weights_.push_back(weight.to(tables_[0].device()).requires_grad_(true));
    }
  }
  Representations Forward(bool training) override {
    Representations result;
    at::Tensor layer = at::cat({tables_[0], tables_[1]}, 0);
    result.layers.push_back(layer);
    for (size_t w = 0; w < weights_.size(); w += 2) {
      const at::Tensor side = SparseProduct(graph_, layer);
      layer = at::leaky_relu((side + layer).matmul(weights_[w]) +
                                 (side * layer).matmul(weights_[w + 1]),
                             0.2);
      layer = DropMessages(layer, message_dropout_, training);
      result.layers.push_back(layer /
                              layer.norm(2, {1}, true).clamp_min(1e-12));
    }
    const at::Tensor all = at::cat(result.layers, 1);
    const int64_t users = tables_[0].size(0);
    result.users = all.narrow(0, 0, users);
    result.items = all.narrow(0, users, tables_[1].size(0));
    return result;
  }

 private:
  const std::shared_ptr<const SparseMatrix> graph_;
  const double message_dropout_;
};

}  // namespace

Representations AutogradBackbone::ForwardOver(
    const std::shared_ptr<const SparseMatrix>&) {
  throw std::logic_error("this backbone has no graph");
}

Representations AutogradBackbone::ForwardWithNoise(double) {
  throw std::logic_error("this backbone has no graph");
}

std::unique_ptr<AutogradBackbone> MakeBackbone(const OfflineFitOptions& options,
                                               const model::ItemLists& train,
                                               uint32_t num_items,
                                               const at::Device& device,
                                               WorkerPool* pool) {
  std::mt19937_64 random = StartingRandom(options.seed);
  TakingPart taking = WhoTakesPart(train, num_items);
  std::fill(taking.items.end() - options.padding, taking.items.end(), true);
  const int64_t n = static_cast<int64_t>(train.size());
  const int64_t m = num_items;
  const float norm = options.normalize == Normalize::kNone ? kFreeNorm : 1.0f;
  const auto start = [&](const std::vector<bool>& takes_part) {
    return StartTable(options.dim, norm, takes_part, device, &random);
  };
  at::Tensor user_table = start(taking.users);
  at::Tensor item_table = start(taking.items);
  const auto matrix = [&](int64_t rows, int64_t columns,
                          std::vector<SparseEntry> entries) {
    return std::make_shared<const SparseMatrix>(
        rows, columns, std::move(entries), device, pool);
  };
  switch (options.backbone) {
    case Backbone::kMf:
      break;
    case Backbone::kSvdPpUser:
      return std::make_unique<Histories>(
          user_table, item_table, start(taking.items),
          matrix(
              n, m,
              UserHistories(train, num_items, options.alpha0, options.alpha1)),
          true);
    case Backbone::kSvdPpItem:
      return std::make_unique<Histories>(
          user_table, item_table, at::Tensor(),
          matrix(
              m, n,
              ItemHistories(train, num_items, options.alpha0, options.alpha1)),
          false);
    case Backbone::kLightGcn:
      return std::make_unique<LightGcn>(
          user_table, item_table,
          matrix(n + m, n + m, SymmetricGraph(train, num_items, 1.0, &random)),
          options.layers, options.message_dropout);
    case Backbone::kNgcf:
      return std::make_unique<Ngcf>(
          user_table, item_table,
          matrix(n + m, n + m, SymmetricGraph(train, num_items, 1.0, &random)),
          options.layers, options.message_dropout, &random);
  }
  return std::make_unique<MatrixFactorisation>(user_table, item_table);
}

}  // namespace taud::trainer
