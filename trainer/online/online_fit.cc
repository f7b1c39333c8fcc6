#include "trainer/online/online_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "query/query_weights.h"
#include "trainer/sampling/learning_rate.h"

namespace taud::trainer {
namespace {

// Steps that even the smallest data gets before it has settled.
constexpr double kMinSteps = 300;

// Less than this share of all pairs is not worth making rows younger for: their
// passes would be over before they have begun.
constexpr double kLeastRenewal = 0.002;

// The passes done so far, in a snapshot's metrics: a warm start resumes there.
constexpr char kPassesMetric[] = "passes";
// 1 if the query weights are those that had most, not the first ones.
constexpr char kWeightsFoundMetric[] = "query_weights_found";

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

bool OnlineFit::Absorb(const model::Interactions& interactions,
                       model::Sequence limit) {
  // After an import the log may hold other positions than it did.
  if (position_ == 0 && absorbed_through_ > 0) {
    position_ = interactions.PositionAfter(absorbed_through_);
  }
  // Asked before the size: everything through it is then there, or is gone from
  // the log for good.
  const model::Sequence last =
      limit == kNoLimit ? interactions.last_sequence() : 0;
  const size_t end = limit == kNoLimit ? interactions.size()
                                       : interactions.PositionAfter(limit);
  if (position_ >= end) {
    AdvanceThrough(last);
    MarkAbsorbed();
    return false;
  }
  const uint32_t before = pairs_.size();
  uint32_t fresh = 0;
  const size_t ask_every = (end - position_ + QueryMeter::kMaxQuestions - 1) /
                           QueryMeter::kMaxQuestions;
  size_t read = 0;
  interactions.ForEach(
      position_, end, [&](const model::Interaction& interaction) {
        absorbed_through_ = interaction.sequence;
        const uint32_t user = interaction.user;
        const uint32_t item = interaction.item;
        const bool ask = read++ % ask_every == 0;
        if (!model::IsPositive(interaction.kind) ||
            !std::isfinite(interaction.weight) || interaction.weight <= 0 ||
            !pairs_.Add(
                user, item,
                std::min(interaction.weight, model::kMaxInteractionWeight))) {
          return;
        }
        if (interaction.sequence <= warm_through_) {
          sampler_.AppendLearnt(1);
        } else {
          ++fresh;
          if (ask && KnowsRowsOf(user, item)) {
            query_meter_.Ask(user, item, user_learnt_[user]);
          }
        }
        query_meter_.Add(user, item);
      });
  position_ = end;
  sampler_.Append(fresh);
  GrowToPairs();
  query_meter_.Answer(*learner_, pairs_, user_learnt_, item_learnt_);
  for (uint32_t pair = before; pair + fresh < pairs_.size(); ++pair) {
    CountAsLearnt(pair);
  }
  AdvanceThrough(last);
  negatives_.SetItems(pairs_.items_present(), pairs_.item_popularity());
  MarkAbsorbed();
  return true;
}

void OnlineFit::MarkAbsorbed() {
  const model::Sequence marked =
      marks_.empty() ? trained_through_ : marks_.back().sequence;
  if (absorbed_through_ > marked) {
    marks_.push_back({pairs_.size(), absorbed_through_});
  }
  // Nothing to learn from (dislikes, repeats) is learnt at once.
  PassMarks();
}

void OnlineFit::PassMarks() {
  while (!marks_.empty() && marks_.front().pairs <= sampler_.learnt_prefix()) {
    trained_through_ = marks_.front().sequence;
    marks_.pop_front();
  }
}

bool OnlineFit::KnowsRowsOf(uint32_t user, uint32_t item) const {
  // A row that is still on its way to what it has been told would make all that
  // is beside it look better than it is.
  return user < user_learnt_.size() && item < item_learnt_.size() &&
         user_learnt_[user] > 0 && item_learnt_[item] > 0 &&
         user_visits_[user] >=
             static_cast<float>(PairSampler::kYoungVisits * user_learnt_[user]);
}

// A pair that the warm start's snapshot has learnt.
void OnlineFit::CountAsLearnt(uint32_t pair) {
  const uint32_t user = pairs_.user(pair);
  const uint32_t item = pairs_.item(pair);
  visits_ += warm_passes_;
  user_visits_[user] += static_cast<float>(warm_passes_);
  item_visits_[item] += static_cast<float>(warm_passes_);
  UpdateRate(pairs_.user_degree()[user], &user_visits_[user],
             &user_rate_[user]);
  UpdateRate(pairs_.item_popularity()[item], &item_visits_[item],
             &item_rate_[item]);
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

bool OnlineFit::Settled() const { return PassesDone() && !OwesRenewal(); }

bool OnlineFit::PassesDone() const {
  return sampler_.unvisited() == 0 && sampler_.young() == 0 &&
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
  snapshot->tau0 = static_cast<float>(tau0_);
  // Rows that were kept further from what everybody likes need less of it.
  const query::QueryWeights weights =
      query_meter_.weights(Rho() * static_cast<double>(pairs_.size()) /
                           std::max<double>(1, pairs_.num_users()));
  snapshot->metrics = {{"loss", loss_},
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
                       {kWeightsFoundMetric, query_meter_.found() ? 1.0 : 0.0}};
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
