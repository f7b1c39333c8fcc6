#include "trainer/online/online_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "model/unit_norm.h"
#include "query/query_weights.h"
#include "trainer/kernels/unit_row.h"
#include "trainer/sampling/dropout.h"
#include "trainer/sampling/learning_rate.h"
#include "trainer/temperature/bilateral_weight.h"
#include "trainer/temperature/temperature.h"

namespace taud::trainer {
namespace {

// Steps that even the smallest data gets before it has settled.
constexpr double kMinSteps = 300;

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

// Less than this share of all pairs is not worth making rows younger for: their
// passes would be over before they have begun.
constexpr double kLeastRenewal = 0.002;

// A fit whose steps fail this many times in a row cannot be saved.
constexpr int kMaxBadSteps = 20;

// The passes done so far, in a snapshot's metrics: a warm start resumes there.
constexpr char kPassesMetric[] = "passes";
// 1 if the query weights are those that had most, not the first ones.
constexpr char kWeightsFoundMetric[] = "query_weights_found";
constexpr char kNeighboursFoundMetric[] = "neighbour_weights_found";

// What finding neighbours adds up for each positive that a step learns, so that
// it takes about a tenth of the time; and in a step of its own.
constexpr size_t kAdditionsPerPositive = 512;
constexpr size_t kAdditionsAlone = 1 << 21;

double MetricOr(const model::Snapshot& snapshot, const char* name,
                double otherwise) {
  const auto found = snapshot.metrics.find(name);
  return found == snapshot.metrics.end() || !std::isfinite(found->second)
             ? otherwise
             : found->second;
}

}  // namespace

OnlineFit::OnlineFit(const OnlineFitOptions& options,
                     std::unique_ptr<MfLearner> learner)
    : options_(options),
      learner_(std::move(learner)),
      sampler_(options.seed),
      negatives_(options.beta, options.seed + 1),
      neighbours_(static_cast<size_t>(options.neighbours)),
      random_(options.seed + 2) {}

absl::Status OnlineFit::WarmStart(const model::Snapshot& snapshot) {
  const size_t dim = static_cast<size_t>(learner_->dim());
  if (snapshot.dim() != dim) {
    return absl::InvalidArgumentError(
        absl::StrCat("snapshot.dim is ", snapshot.dim(),
                     ", the trainer's options.dim is ", dim));
  }
  absl::Status status = model::ValidateSnapshot(snapshot);
  if (!status.ok()) return status;

  warm_through_ = snapshot.trained_through;
  trained_through_ = snapshot.trained_through;
  warm_passes_ =
      std::max(0.0, MetricOr(snapshot, kPassesMetric, options_.horizon));
  if (MetricOr(snapshot, kWeightsFoundMetric, 0) > 0) {
    query_meter_.StartAt(query::QueryWeightsOf(snapshot));
  }
  if (MetricOr(snapshot, kNeighboursFoundMetric, 0) > 0) {
    query_meter_.StartAt(query::NeighbourWeightsOf(snapshot));
  }
  neighbours_.Begin(pairs_, snapshot.neighbours);
  tau0_ = snapshot.tau0;
  loss_ = MetricOr(snapshot, "loss", 0.0);
  mean_loss_ = MetricOr(snapshot, "mean_user_loss", loss_);
  epochs_ = adapted_epochs_ = MetricOr(snapshot, "epochs", 0.0);

  learner_->Grow(snapshot.users.rows, snapshot.items.rows);
  GrowToPairs();
  users_started_ = TakeOver(Side::kUsers, snapshot.users, snapshot.user_degree);
  items_started_ =
      TakeOver(Side::kItems, snapshot.items, snapshot.item_popularity);
  has_model_ = users_started_ > 0;
  for (uint32_t u = 0; u < snapshot.users.rows; ++u) {
    if (snapshot.user_degree[u] == 0) continue;
    // The inverse of Eq. 16: t·e^t with t = log(τ_u / τ₀) is (L − m) / 2β.
    const double t = std::log(double{snapshot.temperatures[u]} / tau0_);
    user_loss_[u] =
        static_cast<float>(mean_loss_ + 2.0 * options_.super_loss * t *
                                            std::exp(std::max(t, -1.0)));
  }
  return absl::OkStatus();
}

size_t OnlineFit::TakeOver(Side side, const model::Matrix& rows,
                           const std::vector<uint32_t>& counts) {
  std::vector<uint32_t> trained;
  std::vector<float> values;
  for (uint32_t r = 0; r < rows.rows; ++r) {
    if (counts[r] == 0) continue;
    trained.push_back(r);
    values.insert(values.end(), rows.Row(r), rows.Row(r) + rows.cols);
    (side == Side::kUsers ? user_learnt_ : item_learnt_)[r] = counts[r];
  }
  learner_->SetRows(side, trained, values.data());
  return trained.size();
}

void OnlineFit::GrowToPairs() {
  const size_t users =
      std::max(learner_->rows(Side::kUsers), pairs_.user_degree().size());
  const size_t items =
      std::max(learner_->rows(Side::kItems), pairs_.item_popularity().size());
  learner_->Grow(users, items);
  const float rate = static_cast<float>(GreatestRate());
  user_learnt_.resize(users, 0);
  item_learnt_.resize(items, 0);
  user_visits_.resize(users, 0.0f);
  item_visits_.resize(items, 0.0f);
  user_rate_.resize(users, rate);
  item_rate_.resize(items, rate);
  user_renewal_.Grow(users);
  item_renewal_.Grow(items);
  user_loss_.resize(users, 0.0f);
}

bool OnlineFit::Ready() const {
  // Without those that were removed: of them nothing can be drawn, and the
  // passes would never be done.
  return pairs_.live() >= kMinPairs &&
         pairs_.items_present().size() >= kMinItems;
}

bool OnlineFit::Settled() const {
  return OnlyNeighboursLeft() && !neighbours_.stale();
}

bool OnlineFit::OnlyNeighboursLeft() const {
  return PassesDone() && !OwesRenewal();
}

QueryMeter::Knowledge OnlineFit::Knowledge() const {
  return {*learner_, pairs_, user_learnt_, item_learnt_, neighbours_};
}

bool OnlineFit::PassesDone() const {
  return sampler_.unvisited() == 0 && sampler_.young() == 0 && held_.empty() &&
         Passes() >= Horizon() - 1e-6;
}

bool OnlineFit::OwesRenewal() const {
  return std::max(user_renewal_.owed(), item_renewal_.owed()) >=
         kLeastRenewal * std::max(1u, pairs_.size());
}

void OnlineFit::RenewRows() {
  const double paid =
      std::max(user_renewal_.Pay(pairs_.user_degree(), &user_visits_),
               item_renewal_.Pay(pairs_.item_popularity(), &item_visits_));
  visits_ *= 1.0 - std::min(1.0, paid / std::max(1u, pairs_.size()));
  for (uint32_t u = 0; u < pairs_.user_degree().size(); ++u) {
    const uint32_t degree = pairs_.user_degree()[u];
    if (degree > 0) UpdateRate(degree, &user_visits_[u], &user_rate_[u]);
  }
  for (uint32_t i = 0; i < pairs_.item_popularity().size(); ++i) {
    const uint32_t degree = pairs_.item_popularity()[i];
    if (degree > 0) UpdateRate(degree, &item_visits_[i], &item_rate_[i]);
  }
}

uint32_t OnlineFit::RowsPerStep() const {
  return StepRows(pairs_.size(), static_cast<uint32_t>(options_.batch_rows));
}

double OnlineFit::Horizon() const {
  return std::max(options_.horizon,
                  kMinSteps * RowsPerStep() / std::max(1u, pairs_.size()));
}

double OnlineFit::Passes() const {
  return visits_ / std::max(1u, pairs_.size());
}

bool OnlineFit::WarmingUp() const {
  return Passes() < options_.governor.warm_up;
}

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
  neighbours_.Refresh(kAdditionsPerPositive * drawn_.size());
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
  size_t& count = is_user ? users_started_ : items_started_;
  for (size_t k = 0; k < started.size(); ++k) {
    const float* row = before.data() + k * dim;
    if (std::all_of(row, row + dim, [](float v) { return v == 0; })) ++count;
  }
  learner_->SetRows(side, started, rows.data());
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
  if (options_.beta != 0) return 1.0f;
  return std::max(1.0f, static_cast<float>(pairs_.items_present().size()) /
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
  input.tau0 = tau0_;
  input.gap = known > 0 ? gap * std::sqrt(Rho()) : std::nan("");
  input.log_sparsity = log_sparsity;
  input.passes = Passes();
  input.elapsed = epochs_ - adapted_epochs_;
  tau0_ = GovernTau0(options_.governor, input);
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

double OnlineFit::FirstTau0() const {
  TauGovernorInput input;
  input.gap = std::nan("");
  input.log_sparsity = SparsityOfPairs();
  return GovernTau0(options_.governor, input);
}

std::unique_ptr<model::Snapshot> OnlineFit::MakeSnapshot() const {
  auto snapshot = std::make_unique<model::Snapshot>();
  const size_t dim = static_cast<size_t>(learner_->dim());
  snapshot->trained_through = trained_through_;
  snapshot->users = model::Matrix(learner_->rows(Side::kUsers), dim);
  snapshot->items = model::Matrix(learner_->rows(Side::kItems), dim);
  learner_->GetAllRows(Side::kUsers, snapshot->users.values.data());
  learner_->GetAllRows(Side::kItems, snapshot->items.values.data());
  snapshot->user_degree = user_learnt_;
  snapshot->item_popularity = item_learnt_;
  snapshot->temperatures.resize(user_learnt_.size(), 0.0f);
  for (uint32_t u = 0; u < user_learnt_.size(); ++u) {
    if (user_learnt_[u] > 0) {
      snapshot->temperatures[u] = TemperatureOf(u);
    } else {
      std::fill_n(snapshot->users.Row(u), dim, 0.0f);
    }
  }
  for (uint32_t i = 0; i < item_learnt_.size(); ++i) {
    if (item_learnt_[i] == 0) std::fill_n(snapshot->items.Row(i), dim, 0.0f);
  }
  snapshot->tau0 = static_cast<float>(tau0_ > 0 ? tau0_ : FirstTau0());
  FillBehind(snapshot.get());
  snapshot->neighbours = neighbours_.lists();
  const query::NeighbourWeights neighbours = query_meter_.neighbour_weights();
  const query::QueryWeights weights = query_meter_.weights();
  snapshot->metrics = {
      {"loss", loss_},
      {"mean_user_loss", mean_loss_},
      {"epochs", epochs_},
      {kPassesMetric, Passes()},
      {"rho", Rho()},
      {"pairs", static_cast<double>(pairs_.size())},
      {"mean_cosine", moments_.mean},
      {"mean_positive_cosine", moments_.positive_mean},
      {"tau0_eq13", tau0_eq13_},
      {query::kRecentWeightMetric, double{weights.recent}},
      {query::kPriorMetric, double{weights.prior}},
      {kWeightsFoundMetric, query_meter_.found() ? 1.0 : 0.0},
      {query::kNeighbourWeightMetric, double{neighbours.weight}},
      {query::kNeighbourPowerMetric, double{neighbours.power}},
      {kNeighboursFoundMetric, query_meter_.neighbours_found() ? 1.0 : 0.0}};
  return snapshot;
}

OnlineFitFigures OnlineFit::figures() const {
  OnlineFitFigures figures;
  figures.steps = steps_;
  figures.positives = positives_;
  figures.epochs = epochs_;
  figures.loss = loss_;
  figures.tau0 = tau0_;
  figures.rho = Rho();
  figures.warming_up = WarmingUp();
  figures.contained = contained_;
  return figures;
}

}  // namespace taud::trainer
