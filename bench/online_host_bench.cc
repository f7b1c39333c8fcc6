// What the trainer's thread does beside the device's own work: interactions
// come at a rate, and are absorbed, drawn, accounted for and published as in
// the daemon, by a learner whose steps take no time. What this cannot keep up
// with, no GPU can.
//
//   online_host_bench [RATE [SECONDS [USERS [ITEMS]]]]
//
// 600,000 a second for 10 s of 30,000 users and 41,000 items, if not given.
// The other core appends. Prints where the time went, and how long after the
// last interaction it was learnt.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/interactions.h"
#include "trainer/mf/mf_learner.h"
#include "trainer/online/online_fit.h"

namespace taud::trainer {
namespace {

constexpr uint32_t kClusters = 100;
constexpr size_t kAtOnce = 1000;

// Rows of the host, which no step moves.
class StillLearner final : public MfLearner {
 public:
  explicit StillLearner(int dim) : dim_(dim) {}

  int dim() const override { return dim_; }
  size_t rows(Side side) const override {
    return Of(side).size() / static_cast<size_t>(dim_);
  }
  bool waits_for_device() const override { return true; }
  void Grow(size_t users, size_t items) override {
    users_.resize(users * static_cast<size_t>(dim_), 0.0f);
    items_.resize(items * static_cast<size_t>(dim_), 0.0f);
  }
  void SetRows(Side side, const std::vector<uint32_t>& rows,
               const float* values) override {
    std::vector<float>& table = side == Side::kUsers ? users_ : items_;
    for (size_t k = 0; k < rows.size(); ++k) {
      std::copy_n(values + k * static_cast<size_t>(dim_), dim_,
                  table.begin() + static_cast<int64_t>(rows[k]) * dim_);
    }
  }
  void GetRows(Side side, const std::vector<uint32_t>& rows,
               float* values) const override {
    for (size_t k = 0; k < rows.size(); ++k) {
      std::copy_n(Of(side).begin() + static_cast<int64_t>(rows[k]) * dim_, dim_,
                  values + k * static_cast<size_t>(dim_));
    }
  }
  void GetAllRows(Side side, float* values) const override {
    std::copy(Of(side).begin(), Of(side).end(), values);
  }
  void Step(const SsmBatch& batch, const std::vector<float>& /*user_rates*/,
            const std::vector<float>& /*item_rates*/,
            MfStepResult* result) override {
    result->losses.assign(batch.users.size(), 5.0f);
    result->common_losses.assign(batch.users.size(), 5.0f);
    result->cosines.assign(batch.users.size(), 0.5f);
    result->kept_back = 0;
  }
  CosineMoments Moments(size_t /*users*/, size_t /*items*/,
                        const std::vector<uint32_t>& /*pair_users*/,
                        const std::vector<uint32_t>& /*pair_items*/) override {
    CosineMoments moments;
    moments.variance = 0.02;
    moments.positive_mean = 0.5;
    moments.positive_variance = 0.02;
    return moments;
  }
  void Export(Side /*side*/, MfTable* /*table*/) const override {}
  void Import(Side /*side*/, const MfTable& /*table*/) override {}
  std::vector<uint32_t> NonFiniteRows(Side /*side*/) const override {
    return {};
  }

 private:
  const std::vector<float>& Of(Side side) const {
    return side == Side::kUsers ? users_ : items_;
  }

  const int dim_;
  std::vector<float> users_, items_;
};

// Users like items of their own cluster, popular ones more often.
model::Interaction Nth(uint64_t n, double rate, uint32_t users, uint32_t items,
                       std::mt19937_64* random) {
  model::Interaction like;
  like.sequence = n + 1;
  like.kind = model::InteractionKind::kLike;
  like.time_ms = static_cast<int64_t>(static_cast<double>(n) * 1000 / rate);
  like.user = n < users ? static_cast<uint32_t>(n)
                        : static_cast<uint32_t>((*random)() % users);
  const double u = std::uniform_real_distribution<>(0, 1)(*random);
  const uint32_t each = items / kClusters + 1;
  const uint32_t rank = n < items ? static_cast<uint32_t>(n / kClusters)
                                  : static_cast<uint32_t>(u * u * each);
  like.item = (rank * kClusters + like.user % kClusters) % items;
  return like;
}

struct Clock {
  double seconds = 0;
  double longest = 0;
  template <class Task>
  void Time(const Task& task) {
    const absl::Time start = absl::Now();
    task();
    const double took = absl::ToDoubleSeconds(absl::Now() - start);
    seconds += took;
    longest = std::max(longest, took);
  }
  void Print(const char* name) const {
    std::printf("%-10s %7.2f s, the longest %.3f s\n", name, seconds, longest);
  }
};

std::vector<model::Interaction> Likes(double rate, double seconds,
                                      uint32_t users, uint32_t items) {
  std::vector<model::Interaction> likes;
  std::mt19937_64 random(7);
  const auto count = static_cast<uint64_t>(rate * seconds);
  for (uint64_t n = 0; n < count; ++n) {
    likes.push_back(Nth(n, rate, users, items, &random));
  }
  return likes;
}

void AppendAtRate(const std::vector<model::Interaction>& likes, double rate,
                  absl::Time start, model::Interactions* interactions) {
  for (size_t n = 0; n < likes.size(); ++n) {
    if (n % kAtOnce == 0) {
      absl::SleepFor(start + absl::Seconds(static_cast<double>(n) / rate) -
                     absl::Now());
    }
    interactions->Append(likes[n]);
  }
}

// Where the time of the trainer's thread went.
struct Clocks {
  Clock absorbing, stepping, publishing;
};

// Until everything through `last` is learnt.
absl::Status Learn(const model::Interactions& interactions,
                   model::Sequence last, OnlineFit* fit, Clocks* clocks) {
  absl::Time published = absl::Now();
  absl::Status status;
  while (status.ok() && fit->trained_through() < last) {
    clocks->absorbing.Time([&] { fit->Absorb(interactions); });
    if (!fit->Ready()) continue;
    clocks->stepping.Time([&] { status = fit->Step(); });
    if (absl::Now() - published < absl::Seconds(1)) continue;
    clocks->publishing.Time([&] { fit->MakeSnapshot(); });
    published = absl::Now();
  }
  return status;
}

int Run(double rate, double seconds, uint32_t users, uint32_t items) {
  const std::vector<model::Interaction> likes =
      Likes(rate, seconds, users, items);
  model::Interactions interactions;
  OnlineFit fit(OnlineFitOptions{}, std::make_unique<StillLearner>(64));
  Clocks clocks;
  const absl::Time start = absl::Now();
  std::thread writer([&] { AppendAtRate(likes, rate, start, &interactions); });
  const absl::Status status = Learn(interactions, likes.size(), &fit, &clocks);
  const double took = absl::ToDoubleSeconds(absl::Now() - start);
  writer.join();
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    return 1;
  }
  std::printf("%zu interactions in %.1f s\n", likes.size(), seconds);
  clocks.absorbing.Print("absorb");
  clocks.stepping.Print("step");
  clocks.publishing.Print("snapshot");
  std::printf("learnt     %.2f s after the last, %.0f a second, %u pairs\n",
              took - seconds, static_cast<double>(likes.size()) / took,
              fit.pairs());
  return 0;
}

}  // namespace
}  // namespace taud::trainer

int main(int argc, char** argv) {
  const auto number = [&](int nth, double otherwise) {
    return argc > nth ? std::atof(argv[nth]) : otherwise;
  };
  const double rate = number(1, 600000);
  const double seconds = number(2, 10);
  const double users = number(3, 30000);
  const double items = number(4, 41000);
  if (rate <= 0 || seconds <= 0 || users < 1 ||
      items < taud::trainer::kClusters) {
    std::fprintf(stderr,
                 "usage: online_host_bench [RATE [SECONDS [USERS [ITEMS]]]], "
                 "above 0, ITEMS at least %u\n",
                 taud::trainer::kClusters);
    return 2;
  }
  return taud::trainer::Run(rate, seconds, static_cast<uint32_t>(users),
                            static_cast<uint32_t>(items));
}
