// One step of OnlineFit: the batch, what is noted of it, temperatures and
// repair.

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "model/unit_norm.h"
#include "trainer/kernels/unit_row.h"
#include "trainer/online/online_fit.h"
#include "trainer/sampling/dropout.h"
#include "trainer/sampling/learning_rate.h"
#include "trainer/temperature/bilateral_weight.h"
#include "trainer/temperature/temperature.h"

namespace taud::trainer {
namespace {

// The share of a step's weight that one user or one item may have, and the
// weight that is always allowed.
constexpr double kMaxShare = 0.02;
constexpr double kMinMass = 4.0;

// L(u) is a mean that forgets over as many of the user's rows as it has
// pairs, but over no fewer than this.
constexpr float kMinLossMemory = 16.0f;
// The loss in the status forgets over this many steps.
constexpr double kLossMemory = 100.0;

// Temperatures are adapted this often, in passes, but not every few steps.
constexpr double kAdaptEvery = 0.125;
constexpr uint64_t kAdaptSteps = 8;
constexpr uint32_t kMomentPairs = 1 << 15;  // pairs that μ₊ is taken from

// A fit whose steps fail this many times in a row cannot be saved.
constexpr int kMaxBadSteps = 20;

// What finding neighbours adds up for each positive that a step learns, so that
// it takes about a tenth of the time on the CPU, and about as long as the rest
// of a step on a GPU; and in a step of its own.
constexpr size_t kAdditionsPerPositive = 512;
constexpr size_t kAdditionsPerPositiveOnGpu = 64;
constexpr size_t kAdditionsAlone = 1 << 21;

}  // namespace

absl::Status OnlineFit::Step() {
  if (OnlyNeighboursLeft()) {
    neighbours_.Refresh(kAdditionsAlone);
    return absl::OkStatus();
  }
  if (PassesDone() && OwesRenewal()) RenewRows();
  AskHeldIfDue();
  OpenWindow();
  uint32_t first = 0;
  sampler_.Draw(RowsPerStep(), &drawn_, &first);
  DropRemoved(&first);
  // All of them removed: their visits count, there is nothing to learn.
  if (drawn_.empty()) {
    PassMarks();
    return absl::OkStatus();
  }
  FillBatch(static_cast<uint32_t>(drawn_.size()));
  learner_->Step(batch_, user_rate_, item_rate_, &step_);
  ++steps_;
  if (step_.kept_back > 0) {
    contained_ += static_cast<uint64_t>(step_.kept_back);
    absl::Status status = RepairRows();
    if (!status.ok()) return status;
  } else {
    bad_steps_ = 0;
  }
  Account(first);
  const size_t additions = learner_->waits_for_device()
                               ? kAdditionsPerPositiveOnGpu
                               : kAdditionsPerPositive;
  neighbours_.Refresh(additions * drawn_.size());
  const double elapsed = epochs_ - adapted_epochs_;
  if (elapsed >= kAdaptEvery && steps_ >= adapted_steps_ + kAdaptSteps) {
    AdaptTemperatures();
  }
  return absl::OkStatus();
}

void OnlineFit::DropRemoved(uint32_t* first) {
  uint32_t firsts = 0;
  size_t kept = 0;
  for (size_t r = 0; r < drawn_.size(); ++r) {
    if (pairs_.IsRemoved(drawn_[r])) continue;
    if (r < *first) ++firsts;
    drawn_[kept++] = drawn_[r];
  }
  drawn_.resize(kept);
  *first = firsts;
}

void OnlineFit::OpenWindow() {
  uint32_t begin = 0;
  uint32_t end = 0;
  if (!sampler_.OpenWindow(&begin, &end)) return;
  absl::flat_hash_set<uint32_t> users;
  absl::flat_hash_set<uint32_t> items;
  StartRows(Side::kUsers, begin, end, items, &users);
  StartRows(Side::kItems, begin, end, users, &items);
  has_model_ = true;
  if (tau0_ == 0) AdaptTemperatures();
}

// Sets the rows that a window's pairs name for the first time. A new user
// among known items begins at their mean, which is what folding-in would
// answer with, and a new item at the mean of its known users; where nothing
// is known a row begins at random on the sphere. Rows of the other side count
// as known if they were learnt or are among `known_others`; rows that began at
// a mean are added to *known.
void OnlineFit::StartRows(Side side, uint32_t begin, uint32_t end,
                          const absl::flat_hash_set<uint32_t>& known_others,
                          absl::flat_hash_set<uint32_t>* known) {
  const bool is_user = side == Side::kUsers;
  const Side other_side = is_user ? Side::kItems : Side::kUsers;
  const std::vector<uint32_t>& learnt = is_user ? user_learnt_ : item_learnt_;
  const std::vector<uint32_t>& other = is_user ? item_learnt_ : user_learnt_;
  const size_t dim = static_cast<size_t>(learner_->dim());
  // In order of the index, so that the random rows depend on the seed alone.
  absl::btree_map<uint32_t, std::vector<float>> sums;
  std::vector<uint32_t> mine_of;  // by row of theirs_of
  std::vector<uint32_t> theirs_of;
  for (uint32_t pair = begin; pair < end; ++pair) {
    if (pairs_.IsRemoved(pair)) continue;
    const uint32_t mine = is_user ? pairs_.user(pair) : pairs_.item(pair);
    const uint32_t theirs = is_user ? pairs_.item(pair) : pairs_.user(pair);
    if (learnt[mine] > 0) continue;
    sums[mine].resize(dim, 0.0f);
    if (other[theirs] == 0 && !known_others.contains(theirs)) continue;
    mine_of.push_back(mine);
    theirs_of.push_back(theirs);
  }
  std::vector<float> rows(theirs_of.size() * dim);
  learner_->GetRows(other_side, theirs_of, rows.data());
  for (size_t k = 0; k < mine_of.size(); ++k) {
    std::vector<float>& sum = sums[mine_of[k]];
    for (size_t c = 0; c < dim; ++c) sum[c] += rows[k * dim + c];
  }
  std::vector<uint32_t> started;
  rows.clear();
  for (auto& [mine, sum] : sums) {
    if (model::Normalise(&sum)) {
      known->insert(mine);
    } else {
      RandomUnitRow(&random_, &sum);
    }
    started.push_back(mine);
    rows.insert(rows.end(), sum.begin(), sum.end());
  }
  // A row may have been set before, and have lost all of its pairs since.
  std::vector<float> before(started.size() * dim);
  learner_->GetRows(side, started, before.data());
  std::vector<uint32_t> first;
  for (size_t k = 0; k < started.size(); ++k) {
    const float* row = before.data() + k * dim;
    if (std::all_of(row, row + dim, [](float v) { return v == 0; })) {
      first.push_back(started[k]);
    }
  }
  learner_->SetRows(side, started, rows.data());
  (is_user ? users_started_ : items_started_) += first.size();
  if (!is_user) DrawFromThese(first);
}

void OnlineFit::DrawFromThese(const std::vector<uint32_t>& items) {
  if (items.empty()) return;
  std::vector<uint32_t> all = negatives_.items();
  all.insert(all.end(), items.begin(), items.end());
  negatives_.SetItems(all, pairs_.item_popularity());
}

void OnlineFit::FillBatch(uint32_t rows) {
  batch_.users.resize(rows);
  batch_.positives.resize(rows);
  batch_.weights.resize(rows);
  batch_.temperatures.resize(rows);
  batch_.common_temperature = static_cast<float>(tau0_);
  batch_.rho = static_cast<float>(Rho());
  batch_.negative_weight = NegativeWeight();
  for (uint32_t r = 0; r < rows; ++r) {
    batch_.users[r] = pairs_.user(drawn_[r]);
    batch_.positives[r] = pairs_.item(drawn_[r]);
    batch_.weights[r] = pairs_.weight(drawn_[r]);
    batch_.temperatures[r] = TemperatureOf(batch_.users[r]);
  }
  const double most = std::max(kMinMass, kMaxShare * rows);
  step_weights_.Bound(batch_.users, batch_.positives, static_cast<float>(most),
                      &batch_.weights);
  negatives_.Draw(static_cast<size_t>(options_.negatives), &batch_.negatives);
  if (options_.dropout > 0) {
    DrawDropout(
        options_.dropout,
        static_cast<size_t>(rows) * static_cast<size_t>(learner_->dim()),
        &random_, &batch_.user_mask);
  }
}

// Each negative of a uniform draw stands for so many items.
float OnlineFit::NegativeWeight() const {
  return std::max(1.0f, static_cast<float>(negatives_.items().size()) /
                            static_cast<float>(options_.negatives));
}

double OnlineFit::SparsityOfPairs() const {
  return LogSparsity(pairs_.num_users(), pairs_.items_present().size(),
                     pairs_.size());
}

double OnlineFit::Rho() const { return RhoForSparsity(SparsityOfPairs()); }

float OnlineFit::TemperatureOf(uint32_t user) const {
  if (WarmingUp() || user_visits_[user] < 1.0f) {
    return static_cast<float>(tau0_);
  }
  return static_cast<float>(BoundedUserTemperature(
      tau0_, user_loss_[user], mean_loss_, options_.super_loss));
}

void OnlineFit::Account(uint32_t first) {
  const size_t rows = drawn_.size();
  const double pairs = pairs_.size();
  double loss = 0;
  size_t counted = 0;
  for (size_t r = 0; r < rows; ++r) {
    const uint32_t user = batch_.users[r];
    const uint32_t item = batch_.positives[r];
    const uint32_t degree = pairs_.user_degree()[user];
    const uint32_t popularity = pairs_.item_popularity()[item];
    // A warm start may count pairs that were learnt beyond its
    // trained_through and are now learnt again.
    if (r < first && user_learnt_[user] < degree) {
      ++user_learnt_[user];
      user_renewal_.Note(user, user_visits_[user] / (Horizon() * degree));
    }
    if (r < first && item_learnt_[item] < popularity) {
      ++item_learnt_[item];
      item_renewal_.Note(item, item_visits_[item] / (Horizon() * popularity));
    }
    const float common = step_.common_losses[r];
    if (std::isfinite(common) && std::isfinite(step_.losses[r])) {
      loss += step_.losses[r];
      ++counted;
      const float memory =
          std::min(user_visits_[user] + 1.0f,
                   std::max(kMinLossMemory, static_cast<float>(degree)));
      user_loss_[user] += (common - user_loss_[user]) / memory;
    }
    user_visits_[user] += 1.0f;
    item_visits_[item] += 1.0f;
    UpdateRate(degree, &user_visits_[user], &user_rate_[user]);
    UpdateRate(popularity, &item_visits_[item], &item_rate_[item]);
  }
  positives_ += rows;
  epochs_ += static_cast<double>(rows) / pairs;
  visits_ = std::min(visits_ + static_cast<double>(rows), Horizon() * pairs);
  if (counted > 0) {
    const double memory = std::min(static_cast<double>(steps_), kLossMemory);
    loss_ += (loss / static_cast<double>(counted) - loss_) / memory;
    if (std::isfinite(step_.gradient_norm)) {
      gradient_norm_ += (step_.gradient_norm - gradient_norm_) / memory;
    }
  }
  PassMarks();
}

void OnlineFit::UpdateRate(uint32_t degree, float* visits, float* rate) const {
  const float horizon = static_cast<float>(Horizon());
  const float pairs = static_cast<float>(degree);
  *visits = std::min(*visits, horizon * pairs);
  *rate =
      static_cast<float>(GreatestRate() * RateAtAge(*visits / pairs, horizon,
                                                    options_.rate_floor));
}

double OnlineFit::GreatestRate() const {
  if (options_.learning_rate > 0) return options_.learning_rate;
  return RateForDensity(pairs_.size(), pairs_.num_users(),
                        pairs_.items_present().size());
}

void OnlineFit::AdaptTemperatures() {
  double sum = 0;
  size_t users = 0;
  for (size_t u = 0; u < user_loss_.size(); ++u) {
    if (user_visits_[u] == 0) continue;
    sum += user_loss_[u];
    ++users;
  }
  if (users > 0) mean_loss_ = sum / static_cast<double>(users);

  std::vector<uint32_t> sample_users;
  std::vector<uint32_t> sample_items;
  const uint32_t known = sampler_.learnt_prefix();
  std::uniform_int_distribution<uint32_t> any(0, std::max(1u, known) - 1);
  for (uint32_t i = 0; i < std::min(known, kMomentPairs); ++i) {
    const uint32_t pair = any(random_);
    if (pairs_.IsRemoved(pair)) continue;
    sample_users.push_back(pairs_.user(pair));
    sample_items.push_back(pairs_.item(pair));
  }
  moments_ = learner_->Moments(users_started_, items_started_, sample_users,
                               sample_items);
  // Where negatives count more, positives are that much nearer to them, and τ₀
  // is to stay what it is where they do not.
  const double gap = moments_.positive_mean - moments_.mean;
  const double log_sparsity = SparsityOfPairs();
  TauGovernorInput input;
  // The governor knows what Eq. 14 says: a new factor comes into force as fast
  // as it lets τ₀ move.
  input.tau0 = tau0_ / tau0_factor_;
  input.gap = known > 0 ? gap * std::sqrt(Rho()) : std::nan("");
  input.log_sparsity = log_sparsity;
  input.passes = Passes();
  input.elapsed = epochs_ - adapted_epochs_;
  tau0_ = tau0_factor_ * GovernTau0(options_.governor, input);
  tau0_eq13_ = Tau0Eq13(moments_, log_sparsity);
  adapted_epochs_ = epochs_;
  adapted_steps_ = steps_;
}

// Starts damaged rows again.
absl::Status OnlineFit::RepairRows() {
  if (++bad_steps_ >= kMaxBadSteps) {
    return absl::InternalError(
        absl::StrCat("values that are not finite in ", bad_steps_,
                     " steps in a row; loss ", loss_, ", tau0 ", tau0_));
  }
  std::vector<float> row(static_cast<size_t>(learner_->dim()));
  for (const Side side : {Side::kUsers, Side::kItems}) {
    for (const uint32_t damaged : learner_->NonFiniteRows(side)) {
      RandomUnitRow(&random_, &row);
      learner_->SetRows(side, {damaged}, row.data());
      // It is new again: young in age, so that it learns fast.
      (side == Side::kUsers ? user_visits_ : item_visits_)[damaged] = 0;
      ++contained_;
    }
  }
  return absl::OkStatus();
}

}  // namespace taud::trainer
