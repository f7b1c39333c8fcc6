#include "trainer/tensor/autograd_backbone.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "model/item_lists.h"
#include "trainer/graph/interaction_graph.h"
#include "trainer/graph/linear_cpu_backbone.h"
#include "trainer/tensor/sparse_product.h"

namespace taud::trainer {
namespace {

// Users 0 and 1, items 0 to 2; item 1 is both users'.
const model::ItemLists kTrain = {{0, 1}, {1, 2}};
constexpr uint32_t kItems = 3;

at::Tensor Dense(int64_t rows, int64_t columns,
                 const std::vector<SparseEntry>& entries) {
  at::Tensor dense = at::zeros({rows, columns});
  for (const SparseEntry& e : entries) dense[e.row][e.column] = e.value;
  return dense;
}

class AutogradBackboneTest : public testing::Test {
 protected:
  std::unique_ptr<AutogradBackbone> Make(Backbone backbone, int layers = 2) {
    OfflineFitOptions options;
    options.backbone = backbone;
    options.layers = layers;
    options.dim = 4;
    options.alpha0 = 1.0;
    options.alpha1 = 0.5;
    return MakeBackbone(options, kTrain, kItems, at::Device("cpu"), &pool_);
  }
  at::Tensor Graph() {
    std::mt19937_64 random;
    return Dense(5, 5, SymmetricGraph(kTrain, kItems, 1.0, &random));
  }
  static void ExpectClose(const at::Tensor& a, const at::Tensor& b) {
    ASSERT_EQ(a.sizes(), b.sizes());
    EXPECT_LT((a - b).abs().max().item<double>(), 1e-6);
  }

  WorkerPool pool_{2};
};

TEST_F(AutogradBackboneTest, TheGraphIsNormalisedByBothDegrees) {
  const at::Tensor graph = Graph();
  // User 0 has degree 2; item 0 degree 1, item 1 degree 2.
  EXPECT_NEAR(graph[0][2].item<double>(), 1 / std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(graph[0][3].item<double>(), 0.5, 1e-6);
  EXPECT_EQ(graph[0][4].item<double>(), 0);
  ExpectClose(graph, graph.t());
}

TEST_F(AutogradBackboneTest, DroppedEdgesAreGoneInBothDirections) {
  std::mt19937_64 random(1);
  model::ItemLists train(200);
  for (auto& list : train) list = {0, 1, 2};
  const auto entries = SymmetricGraph(train, kItems, 0.7, &random);
  EXPECT_NEAR(static_cast<double>(entries.size()) / (2 * 600), 0.7, 0.06);
  const at::Tensor graph = Dense(203, 203, entries);
  ExpectClose(graph, graph.t());
}

TEST_F(AutogradBackboneTest, ASparseProductIsADenseOneAndSoIsItsGradient) {
  const std::vector<SparseEntry> entries = {
      {0, 1, 2.0f}, {2, 0, -1.0f}, {2, 2, 0.5f}, {1, 1, 3.0f}};
  const auto matrix = std::make_shared<const SparseMatrix>(
      3, 3, entries, at::Device("cpu"), &pool_);
  const at::Tensor dense = Dense(3, 3, entries);
  const at::Tensor x = at::randn({3, 5});
  const at::Tensor a = x.clone().requires_grad_(true);
  const at::Tensor b = x.clone().requires_grad_(true);
  const at::Tensor product = SparseProduct(matrix, a);
  ExpectClose(product, dense.matmul(b));
  const at::Tensor weights = at::randn({3, 5});
  (product * weights).sum().backward();
  (dense.matmul(b) * weights).sum().backward();
  ExpectClose(a.grad(), b.grad());
}

TEST_F(AutogradBackboneTest, LightGcnIsTheMeanOfPropagatedLayers) {
  const auto backbone = Make(Backbone::kLightGcn);
  const at::Tensor e =
      at::cat({backbone->tables()[0], backbone->tables()[1]}, 0);
  const at::Tensor graph = Graph();
  const at::Tensor expected =
      (e + graph.matmul(e) + graph.matmul(graph.matmul(e))) / 3;
  const Representations result = backbone->Forward(false);
  ExpectClose(at::cat({result.users, result.items}, 0), expected);
}

TEST_F(AutogradBackboneTest, SvdPlusPlusAddsTheHistory) {
  const auto user_side = Make(Backbone::kSvdPpUser);
  ASSERT_EQ(user_side->tables().size(), 3u);
  const at::Tensor second = user_side->tables()[2];
  // 1 / (|P_u|^1 |P_i|^0.5) with |P_0| = 2, |P_i| = 1 and 2.
  const at::Tensor expected = user_side->tables()[0][0] + second[0] / 2 +
                              second[1] / (2 * std::sqrt(2.0));
  ExpectClose(user_side->Forward(false).users[0], expected);

  const auto item_side = Make(Backbone::kSvdPpItem);
  ASSERT_EQ(item_side->tables().size(), 2u);
  const at::Tensor users = item_side->tables()[0];
  const at::Tensor item =
      item_side->tables()[1][1] + (users[0] + users[1]) / (2 * std::sqrt(2.0));
  ExpectClose(item_side->Forward(false).items[1], item);
}

TEST_F(AutogradBackboneTest, LinearBackbonesAreTheTensorsAndTheirGradient) {
  for (const Backbone which :
       {Backbone::kLightGcn, Backbone::kSvdPpUser, Backbone::kSvdPpItem}) {
    for (const int layers : {1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(which) << " with "
                                      << layers << " layers");
      OfflineFitOptions options;
      options.backbone = which;
      options.dim = 4;
      options.layers = layers;
      const auto tensors =
          MakeBackbone(options, kTrain, kItems, at::Device("cpu"), &pool_);
      const auto linear =
          MakeLinearCpuBackbone(options, kTrain, kItems, &pool_);
      const at::Tensor e = at::cat(tensors->tables(), 0).detach();
      ASSERT_EQ(linear->parameters(), e.size(0));
      const Representations expected = tensors->Forward(false);
      const at::Tensor r = at::cat({expected.users, expected.items}, 0);
      at::Tensor found = at::empty_like(r);
      linear->Forward(e.data_ptr<float>(), nullptr, found.data_ptr<float>());
      ExpectClose(found, r.detach());

      // Only one row is wanted; only one has a gradient.
      std::vector<uint8_t> only(static_cast<size_t>(r.size(0)), 0);
      only[3] = 1;
      at::Tensor part = at::zeros_like(r);
      linear->Forward(e.data_ptr<float>(), only.data(), part.data_ptr<float>());
      ExpectClose(part[3], r.detach()[3]);
      at::Tensor g = at::zeros_like(r);
      g[3] = at::randn({4});
      (r * g).sum().backward();
      std::vector<at::Tensor> gradients;
      for (const at::Tensor& table : tensors->tables()) {
        gradients.push_back(table.grad().defined() ? table.grad()
                                                   : at::zeros_like(table));
      }
      at::Tensor d = at::empty_like(e);
      linear->Backward(g.data_ptr<float>(), only.data(), d.data_ptr<float>());
      ExpectClose(d, at::cat(gradients, 0));
    }
  }
}

TEST_F(AutogradBackboneTest, NgcfIsItsFormulaLayerByLayer) {
  const auto backbone = Make(Backbone::kNgcf, 1);
  ASSERT_EQ(backbone->weights().size(), 2u);
  const at::Tensor e =
      at::cat({backbone->tables()[0], backbone->tables()[1]}, 0);
  const at::Tensor side = Graph().matmul(e);
  const at::Tensor message = (side + e).matmul(backbone->weights()[0]) +
                             (side * e).matmul(backbone->weights()[1]);
  const at::Tensor layer = at::where(message > 0, message, 0.2 * message);
  const at::Tensor unit = layer / layer.norm(2, {1}, true);
  const Representations result = backbone->Forward(false);
  ExpectClose(at::cat({result.users, result.items}, 0), at::cat({e, unit}, 1));
}

TEST_F(AutogradBackboneTest, RowsThatTakeNoPartAreZero) {
  OfflineFitOptions options;
  options.backbone = Backbone::kLightGcn;
  options.dim = 4;
  const model::ItemLists train = {{0}, {}, {2}};
  const auto backbone =
      MakeBackbone(options, train, kItems, at::Device("cpu"), &pool_);
  const Representations result = backbone->Forward(false);
  EXPECT_EQ(result.users[1].abs().sum().item<double>(), 0);
  EXPECT_EQ(result.items[1].abs().sum().item<double>(), 0);
  EXPECT_GT(result.items[2].abs().sum().item<double>(), 0);
}

}  // namespace
}  // namespace taud::trainer
