#include "trainer/offline_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/learning_rate.h"
#include "trainer/unit_row.h"

namespace taud::trainer {
namespace {

// μ₊ is taken from so many pairs, the first of a shuffled epoch.
constexpr size_t kMomentPairs = 1 << 16;
// Steps with rows kept back, in one epoch, after which it is given up.
constexpr int kMaxBadSteps = 20;

}  // namespace

OfflineFit::OfflineFit(const OfflineFitOptions& options, const ItemLists* train,
                       uint32_t num_items, std::unique_ptr<MfLearner> learner)
    : options_(options),
      train_(*train),
      learner_(std::move(learner)),
      item_popularity_(num_items, 0),
      negatives_(options.beta, options.seed + 1),
      random_(options.seed) {
  std::vector<uint32_t> items;
  for (uint32_t user = 0; user < train_.size(); ++user) {
    if (!train_[user].empty()) ++active_users_;
    for (const uint32_t item : train_[user]) {
      pairs_.push_back({user, item});
      if (item_popularity_[item]++ == 0) items.push_back(item);
    }
  }
  active_items_ = items.size();
  negatives_.SetItems(items, item_popularity_);
  learner_->Grow(train_.size(), num_items);
  user_rates_.resize(train_.size());
  item_rates_.resize(num_items);
  user_loss_.resize(train_.size(), 0.0);
  StartRows();
  AdaptTau0(0.0);
}

void OfflineFit::StartRows() {
  const size_t dim = static_cast<size_t>(learner_->dim());
  std::vector<float> row(dim);
  const auto start = [&](Side side, size_t count, const auto& is_active) {
    std::vector<uint32_t> rows;
    std::vector<float> values;
    for (uint32_t r = 0; r < count; ++r) {
      if (!is_active(r)) continue;
      RandomUnitRow(&random_, &row);
      rows.push_back(r);
      values.insert(values.end(), row.begin(), row.end());
    }
    learner_->SetRows(side, rows, values.data());
  };
  start(Side::kUsers, train_.size(),
        [&](uint32_t user) { return !train_[user].empty(); });
  start(Side::kItems, item_popularity_.size(),
        [&](uint32_t item) { return item_popularity_[item] > 0; });
}

absl::Status OfflineFit::RunEpoch(const KeepGoing& keep_going) {
  if (pairs_.empty() || active_items_ < 2) {
    return absl::FailedPreconditionError(
        absl::StrCat("nothing to learn from: ", pairs_.size(), " pairs of ",
                     active_items_, " items"));
  }
  std::shuffle(pairs_.begin(), pairs_.end(), random_);
  loss_sum_.assign(train_.size(), 0.0);
  loss_total_ = 0;
  false_negatives_ = 0;
  bad_steps_ = 0;
  const size_t count = pairs_.size();
  const size_t rows = StepRows(static_cast<uint32_t>(count),
                               static_cast<uint32_t>(options_.batch_rows));
  for (size_t begin = 0; begin < count; begin += rows) {
    const double share = static_cast<double>(begin) / count;
    if (!keep_going(share)) {
      return absl::CancelledError(
          absl::StrCat("stopped in epoch ", figures_.epochs + 1));
    }
    SetRates(figures_.epochs + share);
    FillBatch(begin, std::min(count, begin + rows));
    learner_->Step(batch_, user_rates_, item_rates_, &step_);
    absl::Status status = Account();
    if (!status.ok()) return status;
  }
  ++figures_.epochs;
  figures_.loss = loss_total_ / static_cast<double>(count);
  figures_.false_negatives = static_cast<double>(false_negatives_) / count;
  AdaptTau0(1.0);
  AdaptUsers();
  return absl::OkStatus();
}

void OfflineFit::SetRates(double epoch) {
  const float rate = static_cast<float>(
      options_.learning_rate *
      RateAtAge(epoch, options_.schedule_epochs, options_.rate_floor));
  std::fill(user_rates_.begin(), user_rates_.end(), rate);
  std::fill(item_rates_.begin(), item_rates_.end(), rate);
}

void OfflineFit::FillBatch(size_t begin, size_t end) {
  const size_t rows = end - begin;
  batch_.users.resize(rows);
  batch_.positives.resize(rows);
  batch_.temperatures.resize(rows);
  batch_.known_positives.clear();
  batch_.weights.assign(rows, 1.0f);
  batch_.common_temperature = static_cast<float>(options_.common_temperature);
  batch_.rho = static_cast<float>(options_.rho);
  for (size_t r = 0; r < rows; ++r) {
    const Pair& pair = pairs_[begin + r];
    batch_.users[r] = pair.user;
    batch_.positives[r] = pair.item;
    batch_.temperatures[r] = TemperatureOf(pair.user);
    if (options_.leave_out_known) {
      batch_.known_positives.push_back(train_[pair.user]);
    }
  }
  if (options_.dropout > 0) {
    DrawMask(rows * static_cast<size_t>(learner_->dim()));
  }
  negatives_.Draw(static_cast<size_t>(options_.negatives), &batch_.negatives);
}

void OfflineFit::DrawMask(size_t values) {
  // Four decisions from each number drawn, 16 bits wide.
  const uint64_t least = static_cast<uint64_t>(options_.dropout * 65536.0);
  batch_.user_mask.resize(values);
  uint64_t bits = 0;
  for (size_t i = 0; i < values; ++i, bits >>= 16) {
    if (i % 4 == 0) bits = random_();
    batch_.user_mask[i] = (bits & 0xffff) < least ? 0.0f : 1.0f;
  }
}

absl::Status OfflineFit::Account() {
  for (size_t r = 0; r < batch_.users.size(); ++r) {
    loss_sum_[batch_.users[r]] += step_.common_losses[r];
    loss_total_ += step_.losses[r];
  }
  false_negatives_ += step_.false_negatives;
  if (step_.kept_back > 0) ++bad_steps_;
  if (bad_steps_ >= kMaxBadSteps || !std::isfinite(loss_total_)) {
    return absl::InternalError(absl::StrCat(
        "values that are not finite in epoch ", figures_.epochs + 1, "; tau0 ",
        figures_.tau0, ", rho ", options_.rho));
  }
  return absl::OkStatus();
}

void OfflineFit::AdaptTau0(double elapsed) {
  if (options_.held_tau0 > 0) {
    figures_.tau0 = options_.held_tau0;
    return;
  }
  std::vector<uint32_t> users;
  std::vector<uint32_t> items;
  for (size_t i = 0; i < std::min(pairs_.size(), kMomentPairs); ++i) {
    users.push_back(pairs_[i].user);
    items.push_back(pairs_[i].item);
  }
  const CosineMoments moments =
      learner_->Moments(active_users_, active_items_, users, items);
  figures_.gap = moments.positive_mean - moments.mean;
  TauGovernorInput input;
  input.tau0 = figures_.tau0;
  input.gap = figures_.gap;
  input.log_sparsity = LogSparsity(active_users_, active_items_, pairs_.size());
  input.passes = figures_.epochs;
  input.elapsed = elapsed;
  figures_.tau0 = GovernTau0(options_.governor, input);
}

void OfflineFit::AdaptUsers() {
  double sum = 0;
  for (size_t user = 0; user < train_.size(); ++user) {
    if (train_[user].empty()) continue;
    user_loss_[user] =
        loss_sum_[user] / static_cast<double>(train_[user].size());
    sum += user_loss_[user];
  }
  mean_loss_ = sum / static_cast<double>(active_users_);
}

float OfflineFit::TemperatureOf(uint32_t user) const {
  const double tau0 = figures_.tau0;
  if (!options_.personal || figures_.epochs < options_.governor.warm_up) {
    return static_cast<float>(tau0);
  }
  return static_cast<float>(BoundedUserTemperature(
      tau0, user_loss_[user], mean_loss_, options_.super_loss));
}

model::Matrix OfflineFit::Rows(Side side) const {
  model::Matrix matrix(learner_->rows(side),
                       static_cast<size_t>(learner_->dim()));
  learner_->GetAllRows(side, matrix.values.data());
  return matrix;
}

std::vector<float> OfflineFit::Temperatures() const {
  std::vector<float> temperatures(train_.size(), 0.0f);
  for (uint32_t user = 0; user < train_.size(); ++user) {
    if (!train_[user].empty()) temperatures[user] = TemperatureOf(user);
  }
  return temperatures;
}

}  // namespace taud::trainer
