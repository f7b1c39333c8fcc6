#include "trainer/online/online_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "query/query_weights.h"
#include "trainer/sampling/learning_rate.h"
#include "trainer/temperature/held_temperature.h"

namespace taud::trainer {
namespace {

// Steps that even the smallest data gets before it has settled.
constexpr double kMinSteps = 300;

// Less than this share of all pairs is not worth making rows younger for: their
// passes would be over before they have begun.
constexpr double kLeastRenewal = 0.002;

// 1 if the query weights are those that had most, not the first ones.
constexpr char kWeightsFoundMetric[] = "query_weights_found";
constexpr char kNeighboursFoundMetric[] = "neighbour_weights_found";
constexpr char kTau0FactorMetric[] = "tau0_factor";

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
      negatives_(0, options.seed + 1),  // uniform
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
      std::max(0.0, MetricOr(snapshot, model::kPassesMetric, options_.horizon));
  if (MetricOr(snapshot, kWeightsFoundMetric, 0) > 0) {
    query_meter_.StartAt(query::QueryWeightsOf(snapshot));
  }
  if (MetricOr(snapshot, kNeighboursFoundMetric, 0) > 0) {
    query_meter_.StartAt(query::NeighbourWeightsOf(snapshot));
  }
  neighbours_.Begin(pairs_, snapshot.neighbours, {});
  tau0_ = snapshot.tau0;
  tau0_factor_ = std::clamp(MetricOr(snapshot, kTau0FactorMetric, 1.0),
                            kLeastTau0Factor, kMostTau0Factor);
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
      {model::kPassesMetric, Passes()},
      {"rho", Rho()},
      {"pairs", static_cast<double>(pairs_.size())},
      {"mean_cosine", moments_.mean},
      {"mean_positive_cosine", moments_.positive_mean},
      {"tau0", double{snapshot->tau0}},
      {"tau0_eq13", tau0_eq13_},
      {kTau0FactorMetric, tau0_factor_},
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
  figures.gradient_norm = gradient_norm_;
  figures.tau0 = tau0_;
  figures.tau0_factor = tau0_factor_;
  figures.rho = Rho();
  figures.warming_up = WarmingUp();
  figures.contained = contained_;
  return figures;
}

}  // namespace taud::trainer
