#include "trainer/offline/offline_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "trainer/sampling/dropout.h"
#include "trainer/sampling/learning_rate.h"

namespace taud::trainer {
namespace {

// μ₊ is taken from so many pairs, the first of a shuffled epoch.
constexpr size_t kMomentPairs = 1 << 16;
// Steps with rows kept back, in one epoch, after which it is given up.
constexpr int kMaxBadSteps = 20;

}  // namespace

OfflineFit::OfflineFit(const OfflineFitOptions& options,
                       const model::ItemLists* train, uint32_t num_items,
                       std::unique_ptr<OfflineLearner> learner)
    : options_(options),
      train_(*train),
      learner_(std::move(learner)),
      negatives_(options.beta, options.seed + 1),
      random_(options.seed),
      ahead_(learner_->waits_for_device() ? 2 : 1) {
  std::vector<uint32_t> items;
  std::vector<uint32_t> popularity(num_items, 0);
  std::vector<uint32_t> degrees(train_.size(), 0);
  size_t active_users = 0;
  for (uint32_t user = 0; user < train_.size(); ++user) {
    degrees[user] = static_cast<uint32_t>(train_[user].size());
    if (degrees[user] > 0) ++active_users;
    for (const uint32_t item : train_[user]) {
      pairs_.push_back({user, item});
      if (popularity[item]++ == 0) items.push_back(item);
    }
  }
  for (uint32_t item = num_items - options_.padding; item < num_items; ++item) {
    if (popularity[item] == 0) items.push_back(item);
  }
  active_items_ = items.size();
  negatives_.SetItems(items, popularity);
  if (options_.loss == Loss::kSm) {
    next_batch_.negatives = items;
    batch_.negatives = std::move(items);
  }
  log_sparsity_ = LogSparsity(active_users, active_items_, pairs_.size());
  temperatures_ = std::make_unique<OfflineTemperatures>(
      options_, std::move(degrees), log_sparsity_);
  figures_.tau0 = temperatures_->tau0();
  figures_.learning_rate =
      options_.learning_rate > 0
          ? options_.learning_rate
          : RateForDensity(pairs_.size(), active_users, active_items_);
}

absl::Status OfflineFit::RunEpoch(const KeepGoing& keep_going) {
  if (pairs_.empty() || active_items_ < 2) {
    return absl::FailedPreconditionError(
        absl::StrCat("nothing to learn from: ", pairs_.size(), " pairs of ",
                     active_items_, " items"));
  }
  std::shuffle(pairs_.begin(), pairs_.end(), random_);
  learner_->StartEpoch();
  loss_total_ = score_total_ = 0;
  false_negatives_ = 0;
  bad_steps_ = 0;
  const size_t count = pairs_.size();
  const size_t rows = StepRows(static_cast<uint32_t>(count),
                               static_cast<uint32_t>(options_.batch_rows));
  const auto end_of = [&](size_t begin) {
    return std::min(count, begin + rows);
  };
  FillBatch(0, end_of(0), &batch_);
  for (size_t begin = 0; begin < count; begin += rows) {
    const double share = static_cast<double>(begin) / count;
    if (!keep_going(share)) {
      return absl::CancelledError(
          absl::StrCat("stopped in epoch ", figures_.epochs + 1));
    }
    const double rate =
        figures_.learning_rate * RateAtAge(figures_.epochs + share,
                                           options_.schedule_epochs,
                                           options_.rate_floor);
    const size_t next = end_of(begin);
    StepAndFillNext(static_cast<float>(rate), next, end_of(next));
    absl::Status status = Account();
    if (!status.ok()) return status;
    std::swap(batch_, next_batch_);
  }
  EndEpoch();
  return absl::OkStatus();
}

void OfflineFit::StepAndFillNext(float rate, size_t begin, size_t end) {
  const auto step = [&] { learner_->Step(batch_, rate, &step_); };
  const auto fill = [&] {
    if (begin < end) FillBatch(begin, end, &next_batch_);
  };
  if (ahead_.workers() == 1) {
    step();
    fill();
    return;
  }
  ahead_.Run([&](int worker) { worker == 0 ? step() : fill(); });
}

void OfflineFit::FillBatch(size_t begin, size_t end, SsmBatch* batch) {
  const size_t rows = end - begin;
  batch->users.resize(rows);
  batch->positives.resize(rows);
  batch->temperatures.resize(rows);
  batch->known_positives.clear();
  batch->weights.assign(rows, 1.0f);
  batch->common_temperature = static_cast<float>(temperatures_->common());
  batch->rho = static_cast<float>(options_.rho);
  for (size_t r = 0; r < rows; ++r) {
    const Pair& pair = pairs_[begin + r];
    batch->users[r] = pair.user;
    batch->positives[r] = pair.item;
    batch->temperatures[r] = temperatures_->Of(pair.user);
    // The softmax over all items has all others in its denominator.
    if (options_.leave_out_known && options_.loss != Loss::kSm) {
      batch->known_positives.push_back(train_[pair.user]);
    }
  }
  if (options_.dropout > 0) {
    DrawDropout(options_.dropout, rows * static_cast<size_t>(options_.dim),
                &random_, &batch->user_mask);
  }
  FillNegatives(batch);
  batch->negative_weight = NegativeWeight(*batch);
}

void OfflineFit::FillNegatives(SsmBatch* batch) {
  if (options_.loss == Loss::kSm) return;  // all items, in every step
  switch (options_.source) {
    case NegativeSource::kShared:
      negatives_.Draw(static_cast<size_t>(options_.negatives),
                      &batch->negatives);
      return;
    case NegativeSource::kInBatch:
      CountInBatch(batch->positives, &batch->negatives,
                   &batch->negative_counts);
      return;
    case NegativeSource::kPerRow:
      return;  // the learner draws them
  }
}

float OfflineFit::NegativeWeight(const SsmBatch& batch) const {
  if (!options_.weigh_negatives || options_.loss == Loss::kSm ||
      options_.source == NegativeSource::kInBatch) {
    return 1.0f;
  }
  const size_t drawn = options_.source == NegativeSource::kShared
                           ? batch.negatives.size()
                           : static_cast<size_t>(options_.negatives);
  return std::max(
      1.0f, static_cast<float>(active_items_) / static_cast<float>(drawn));
}

absl::Status OfflineFit::Account() {
  for (size_t r = 0; r < batch_.users.size(); ++r) {
    temperatures_->Add(batch_.users[r], step_.common_losses[r]);
    loss_total_ += step_.losses[r];
    score_total_ += step_.cosines[r];
  }
  false_negatives_ += step_.false_negatives;
  if (step_.kept_back > 0) ++bad_steps_;
  if (bad_steps_ >= kMaxBadSteps || !std::isfinite(loss_total_)) {
    return absl::InternalError(
        absl::StrCat("values that are not finite in epoch ",
                     figures_.epochs + 1, "; tau0 ", figures_.tau0, ", rho ",
                     options_.rho, ", learning rate ", figures_.learning_rate));
  }
  return absl::OkStatus();
}

void OfflineFit::EndEpoch() {
  const double count = static_cast<double>(pairs_.size());
  std::vector<uint32_t> users;
  std::vector<uint32_t> items;
  for (size_t i = 0; i < std::min(pairs_.size(), kMomentPairs); ++i) {
    users.push_back(pairs_[i].user);
    items.push_back(pairs_[i].item);
  }
  const CosineMoments moments = learner_->Moments(users, items);
  temperatures_->EndEpoch(moments);
  ++figures_.epochs;
  figures_.loss = loss_total_ / count;
  figures_.false_negatives = static_cast<double>(false_negatives_) / count;
  figures_.gap = moments.positive_mean - moments.mean;
  figures_.variance_gap = moments.positive_variance - moments.variance;
  figures_.positive_score = score_total_ / count;
  figures_.tau0_eq13 = Tau0Eq13(moments, log_sparsity_);
  figures_.tau0_eq14 = Tau0Eq14(moments, log_sparsity_);
  figures_.tau0 = temperatures_->tau0();
  const std::vector<float> learned = learner_->LearnedTemperatures();
  if (learned.empty()) return;
  double sum = 0;
  size_t counted = 0;
  for (size_t user = 0; user < learned.size(); ++user) {
    if (train_[user].empty()) continue;
    sum += learned[user];
    ++counted;
  }
  figures_.tau0 = sum / static_cast<double>(counted);
}

std::vector<float> OfflineFit::Temperatures() const {
  std::vector<float> temperatures = learner_->LearnedTemperatures();
  const bool learned = !temperatures.empty();
  temperatures.resize(train_.size(), 0.0f);
  for (uint32_t user = 0; user < train_.size(); ++user) {
    if (train_[user].empty()) {
      temperatures[user] = 0.0f;
    } else if (!learned) {
      temperatures[user] = temperatures_->Of(user);
    }
  }
  return temperatures;
}

}  // namespace taud::trainer
