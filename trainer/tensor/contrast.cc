#include "trainer/tensor/contrast.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <random>
#include <utility>

#include "trainer/graph/interaction_graph.h"
#include "trainer/tensor/tensor_losses.h"

namespace taud::trainer {
namespace {

// InfoNCE of both sides between two views, a mean over the rows.
at::Tensor BothSides(const Representations& view, const Representations& other,
                     const at::Tensor& users, const at::Tensor& items,
                     double tau) {
  const auto side = [&](const at::Tensor& a, const at::Tensor& b,
                        const at::Tensor& rows) {
    return InfoNce(a.index_select(0, rows), b.index_select(0, rows), tau) /
           static_cast<double>(rows.size(0));
  };
  return side(view.users, other.users, users) +
         side(view.items, other.items, items);
}

class Sgl final : public ContrastiveLoss {
 public:
  Sgl(const OfflineFitOptions& options, const model::ItemLists& train,
      uint32_t num_items, const at::Device& device, WorkerPool* pool)
      : keep_(1.0 - options.edge_dropout),
        tau_(options.contrast_tau),
        train_(train),
        num_items_(num_items),
        device_(device),
        pool_(pool),
        random_(options.seed + 5) {}

  void StartEpoch(AutogradBackbone*) override {
    const int64_t rows = static_cast<int64_t>(train_.size()) + num_items_;
    for (auto& graph : graphs_) {
      graph = std::make_shared<const SparseMatrix>(
          rows, rows, SymmetricGraph(train_, num_items_, keep_, &random_),
          device_, pool_);
    }
  }
  at::Tensor Compute(AutogradBackbone* backbone, const Representations&,
                     const at::Tensor& users,
                     const at::Tensor& items) override {
    return BothSides(backbone->ForwardOver(graphs_[0]),
                     backbone->ForwardOver(graphs_[1]), users, items, tau_);
  }

 private:
  const double keep_, tau_;
  const model::ItemLists& train_;
  const uint32_t num_items_;
  const at::Device device_;
  WorkerPool* const pool_;
  std::mt19937_64 random_;
  std::shared_ptr<const SparseMatrix> graphs_[2];
};

class SimGcl final : public ContrastiveLoss {
 public:
  explicit SimGcl(const OfflineFitOptions& options)
      : noise_(options.noise), tau_(options.contrast_tau) {}

  void StartEpoch(AutogradBackbone*) override {}
  at::Tensor Compute(AutogradBackbone* backbone, const Representations&,
                     const at::Tensor& users,
                     const at::Tensor& items) override {
    return BothSides(backbone->ForwardWithNoise(noise_),
                     backbone->ForwardWithNoise(noise_), users, items, tau_);
  }

 private:
  const double noise_, tau_;
};

class Ncl final : public ContrastiveLoss {
 public:
  explicit Ncl(const OfflineFitOptions& options)
      : prototypes_(options.prototypes),
        tau_(options.contrast_tau),
        seed_(options.seed) {}

  void StartEpoch(AutogradBackbone* backbone) override {
    c10::NoGradGuard no_grad;
    user_clusters_ = Cluster(backbone->tables()[0]);
    item_clusters_ = Cluster(backbone->tables()[1]);
  }
  at::Tensor Compute(AutogradBackbone* backbone, const Representations& main,
                     const at::Tensor& users,
                     const at::Tensor& items) override {
    const int64_t n = backbone->tables()[0].size(0);
    const int64_t m = backbone->tables()[1].size(0);
    // The layer of two steps, that of users (items) with common neighbours.
    const at::Tensor even =
        main.layers[std::min<size_t>(2, main.layers.size() - 1)];
    const Representations neighbours = {
        even.narrow(0, 0, n), even.narrow(0, n, m), {}};
    const Representations rows = {
        backbone->tables()[0], backbone->tables()[1], {}};
    return BothSides(neighbours, rows, users, items, tau_) +
           Prototype(rows.users, user_clusters_, users) +
           Prototype(rows.items, item_clusters_, items);
  }

 private:
  struct Clusters {
    at::Tensor centres;  // [clusters × d], unit rows
    at::Tensor of_row;   // [rows]
  };

  // Spherical k-means, a few rounds from random rows, on the device that the
  // table is on. The one for searching is index/centroids.h, which says how
  // the two differ.
  Clusters Cluster(const at::Tensor& table) const {
    constexpr int kRounds = 10;
    const at::Tensor rows = UnitRows(table);
    const int64_t count = std::min<int64_t>(prototypes_, rows.size(0));
    std::mt19937_64 random(seed_);
    at::Tensor first = at::empty({count}, at::kLong);
    for (int64_t c = 0; c < count; ++c) {
      first.data_ptr<int64_t>()[c] =
          std::uniform_int_distribution<int64_t>(0, rows.size(0) - 1)(random);
    }
    Clusters clusters;
    clusters.centres = rows.index_select(0, first.to(rows.device()));
    for (int round = 0; round < kRounds; ++round) {
      clusters.of_row = rows.matmul(clusters.centres.t()).argmax(1);
      at::Tensor sums = at::zeros_like(clusters.centres);
      sums.index_add_(0, clusters.of_row, rows);
      // A cluster that has lost all its rows stays where it was.
      const at::Tensor empty = sums.norm(2, {1}, true) < 1e-6;
      clusters.centres = at::where(empty, clusters.centres, UnitRows(sums));
    }
    return clusters;
  }

  at::Tensor Prototype(const at::Tensor& table, const Clusters& clusters,
                       const at::Tensor& rows) const {
    const at::Tensor scores =
        UnitRows(table.index_select(0, rows)).matmul(clusters.centres.t()) /
        tau_;
    const at::Tensor own =
        scores.gather(1, clusters.of_row.index_select(0, rows).unsqueeze(1));
    return (at::logsumexp(scores, {1}) - own.squeeze(1)).mean();
  }

  const int64_t prototypes_;
  const double tau_;
  const uint64_t seed_;
  Clusters user_clusters_, item_clusters_;
};

}  // namespace

std::unique_ptr<ContrastiveLoss> MakeContrast(const OfflineFitOptions& options,
                                              const model::ItemLists& train,
                                              uint32_t num_items,
                                              const at::Device& device,
                                              WorkerPool* pool) {
  switch (options.contrast) {
    case Contrast::kNone:
      break;
    case Contrast::kSgl:
      return std::make_unique<Sgl>(options, train, num_items, device, pool);
    case Contrast::kSimGcl:
      return std::make_unique<SimGcl>(options);
    case Contrast::kNcl:
      return std::make_unique<Ncl>(options);
  }
  return nullptr;
}

}  // namespace taud::trainer
