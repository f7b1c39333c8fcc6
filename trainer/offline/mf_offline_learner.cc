#include <algorithm>
#include <random>
#include <utility>

#include "model/item_lists.h"
#include "trainer/offline/offline_learner.h"
#include "trainer/offline/starting_rows.h"

namespace taud::trainer {
namespace {

// Sets the rows that take part; returns how many do.
size_t StartRows(Side side, const std::vector<bool>& takes_part,
                 std::mt19937_64* random, MfLearner* learner) {
  const model::Matrix drawn =
      DrawUnitRows(takes_part, static_cast<size_t>(learner->dim()), random);
  std::vector<uint32_t> rows;
  std::vector<float> values;
  for (uint32_t r = 0; r < takes_part.size(); ++r) {
    if (!takes_part[r]) continue;
    rows.push_back(r);
    values.insert(values.end(), drawn.Row(r), drawn.Row(r) + drawn.cols);
  }
  learner->SetRows(side, rows, values.data());
  return rows.size();
}

class MfOfflineLearner final : public OfflineLearner {
 public:
  MfOfflineLearner(const OfflineFitOptions& options,
                   const model::ItemLists& train, uint32_t num_items,
                   std::unique_ptr<MfLearner> learner)
      : learner_(std::move(learner)),
        user_rates_(train.size()),
        item_rates_(num_items) {
    learner_->Grow(train.size(), num_items);
    const TakingPart taking = WhoTakesPart(train, num_items);
    std::mt19937_64 random = StartingRandom(options.seed);
    users_ = StartRows(Side::kUsers, taking.users, &random, learner_.get());
    items_ = StartRows(Side::kItems, taking.items, &random, learner_.get());
  }

  bool waits_for_device() const override {
    return learner_->waits_for_device();
  }

  void Step(const SsmBatch& batch, float rate, MfStepResult* result) override {
    std::fill(user_rates_.begin(), user_rates_.end(), rate);
    std::fill(item_rates_.begin(), item_rates_.end(), rate);
    learner_->Step(batch, user_rates_, item_rates_, result);
  }

  CosineMoments Moments(const std::vector<uint32_t>& pair_users,
                        const std::vector<uint32_t>& pair_items) override {
    return learner_->Moments(users_, items_, pair_users, pair_items);
  }

  model::Matrix Users() const override { return Rows(Side::kUsers); }
  model::Matrix Items() const override { return Rows(Side::kItems); }
  std::vector<float> ItemNorms() const override {
    return std::vector<float>(item_rates_.size(), 1.0f);
  }

 private:
  model::Matrix Rows(Side side) const {
    model::Matrix matrix(learner_->rows(side),
                         static_cast<size_t>(learner_->dim()));
    learner_->GetAllRows(side, matrix.values.data());
    return matrix;
  }

  const std::unique_ptr<MfLearner> learner_;
  size_t users_ = 0, items_ = 0;  // that take part
  std::vector<float> user_rates_, item_rates_;
};

}  // namespace

std::unique_ptr<OfflineLearner> MakeMfOfflineLearner(
    const OfflineFitOptions& options, const model::ItemLists& train,
    uint32_t num_items, std::unique_ptr<MfLearner> learner) {
  return std::make_unique<MfOfflineLearner>(options, train, num_items,
                                            std::move(learner));
}

}  // namespace taud::trainer
