// What the gate says of good snapshots and of bad ones.
//
//   gate_trial DATA [PUBLISHES [THREADS]]
//
// DATA: a directory with train.txt (a line a user: user item …; in random order
// of fixed seed) or ratings.csv (in the order of its timestamps), or "drift" or
// "spam", the simulator. A trainer learns the stream in PUBLISHES equal parts
// (200) and publishes after each; every snapshot is judged beside the one that
// serves. Then eleven bad ones are made of the last, and judged beside it.
// Prints a line for each rejection, the least and greatest figure of each
// check, what the gate cost, and what became of the bad ones.
//
// Exit status 0 if every good one passed and every bad one did not.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "lab/simulator.h"
#include "model/state.h"
#include "model/unit_norm.h"
#include "server/quality/gate.h"
#include "server/quality/servable.h"
#include "server/serving/serving_model.h"
#include "trainer/kernels/unit_row.h"
#include "trainer/online/online_trainer.h"

namespace taud {
namespace {

using model::Snapshot;
using server::ServingModel;
using SnapshotPtr = std::unique_ptr<Snapshot>;
using ModelPtr = std::shared_ptr<const ServingModel>;
using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;

Pairs ReadLists(const std::string& path) {
  std::ifstream file(path);
  Pairs pairs;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    uint32_t user = 0;
    if (!(fields >> user)) continue;
    for (uint32_t item = 0; fields >> item;) pairs.emplace_back(user, item);
  }
  std::mt19937_64 random(7);
  std::shuffle(pairs.begin(), pairs.end(), random);
  return pairs;
}

Pairs ReadRatings(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::pair<int64_t, std::pair<uint32_t, uint32_t>>> rows;
  absl::flat_hash_map<uint32_t, uint32_t> users;
  absl::flat_hash_map<uint32_t, uint32_t> items;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const std::vector<std::string> fields = absl::StrSplit(line, ',');
    uint32_t user = 0;
    uint32_t item = 0;
    int64_t time = 0;
    if (fields.size() < 4 || !absl::SimpleAtoi(fields[0], &user) ||
        !absl::SimpleAtoi(fields[1], &item) ||
        !absl::SimpleAtoi(fields[3], &time)) {
      continue;
    }
    rows.push_back({time, {user, item}});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.first < b.first;
  });
  Pairs pairs;
  for (const auto& [time, pair] : rows) {
    const auto user = users.try_emplace(pair.first, users.size()).first->second;
    const auto item =
        items.try_emplace(pair.second, items.size()).first->second;
    pairs.emplace_back(user, item);
  }
  return pairs;
}

// 60,000 interactions; with drift every user's taste changes every 10,000; with
// spam a tenth comes from 64 users who only ever take the same 20 items.
Pairs Simulate(bool drift, bool spam) {
  lab::Simulator::Options options;
  lab::Simulator simulator(options);
  std::mt19937_64 random(3);
  Pairs pairs;
  for (size_t n = 0; n < 60000; ++n) {
    if (drift && n > 0 && n % 10000 == 0) simulator.Drift();
    if (spam && n % 10 == 9) {
      pairs.emplace_back(options.users + random() % 64,
                         options.items - 1 - random() % 20);
      continue;
    }
    const lab::Simulator::Event event = simulator.Next();
    pairs.emplace_back(event.user, event.item);
  }
  return pairs;
}

Pairs Read(const std::string& data) {
  if (data == "drift") return Simulate(true, false);
  if (data == "spam") return Simulate(false, true);
  std::ifstream ratings(data + "/ratings.csv");
  return ratings ? ReadRatings(data + "/ratings.csv")
                 : ReadLists(data + "/train.txt");
}

struct Mailbox {
  absl::Mutex mutex;
  SnapshotPtr newest ABSL_GUARDED_BY(mutex);
};

struct Range {
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  // Nearest to a bound, as a share of it: 1 is at the bound.
  double nearest = 0;
};

class Trial {
 public:
  explicit Trial(const model::State* state) : state_(state) {}

  // The verdict's failures; empty: it passed.
  std::string Judge(const ModelPtr& next, const ServingModel* serving,
                    bool counted) {
    const absl::Time start = absl::Now();
    const absl::Status servable = server::CheckServable(
        *next->snapshot, serving == nullptr ? nullptr : serving->snapshot.get(),
        64);
    if (!servable.ok()) return std::string(servable.message());
    const auto facts = server::MeasureForGate(*next, serving, *state_);
    if (!facts.ok()) return std::string(facts.status().message());
    const v1::Verdict verdict = server::Judge(*facts, history_);
    if (!counted) {
      for (const v1::Check& check : verdict.checks()) {
        if (check.name() != "hit_rate") continue;
        std::printf("  %s %.3f (serving %.3f, at least %.3f)",
                    check.slice().c_str(), check.value(), check.reference(),
                    check.lower());
      }
      std::printf("\n");
    }
    if (counted) {
      if (verdict.passed() && facts->comparison.has_value()) {
        history_.Note(*facts->comparison);
      }
      seconds_ += absl::ToDoubleSeconds(absl::Now() - start);
      ++judged_;
      for (const v1::Check& check : verdict.checks()) Note(check);
    }
    return server::Failures(verdict);
  }

  void Print() const {
    std::printf("%-24s %10s %10s %10s\n", "check", "least", "greatest",
                "to bound");
    for (const auto& [name, range] : ranges_) {
      std::printf("%-24s %10.4g %10.4g %10.3f\n", name.c_str(), range.least,
                  range.greatest, range.nearest);
    }
    std::printf("gate: %.1f ms a snapshot\n",
                1000 * seconds_ / static_cast<double>(judged_));
  }

 private:
  void Note(const v1::Check& check) {
    if (!check.checked()) return;
    Range& range = ranges_[absl::StrCat(check.name(), " ", check.slice())];
    range.least = std::min(range.least, check.value());
    range.greatest = std::max(range.greatest, check.value());
    if (check.has_upper() && check.upper() > 0) {
      range.nearest = std::max(range.nearest, check.value() / check.upper());
    }
    if (check.has_lower() && check.value() > 0) {
      range.nearest = std::max(range.nearest, check.lower() / check.value());
    }
  }

  const model::State* const state_;
  server::HitHistory history_;
  std::map<std::string, Range> ranges_;
  double seconds_ = 0;
  size_t judged_ = 0;
};

ModelPtr BuildModel(SnapshotPtr snapshot) {
  index::IndexBuilder builder{index::IndexOptions()};
  auto built = server::BuildServingModel(std::move(snapshot), &builder);
  return built.ok() ? *built : nullptr;
}

// --- Bad ones ----------------------------------------------------------------

size_t FirstTrained(const std::vector<uint32_t>& counts) {
  return static_cast<size_t>(
      std::find_if(counts.begin(), counts.end(),
                   [](uint32_t count) { return count > 0; }) -
      counts.begin());
}

void ShuffleIds(Snapshot* s) {
  std::vector<size_t> trained;
  for (size_t i = 0; i < s->items.rows; ++i) {
    if (s->item_popularity[i] > 0) trained.push_back(i);
  }
  std::vector<size_t> order = trained;
  std::mt19937_64 random(5);
  std::shuffle(order.begin(), order.end(), random);
  const model::Matrix before = s->items;
  for (size_t i = 0; i < trained.size(); ++i) {
    std::copy_n(before.Row(order[i]), s->dim(), s->items.Row(trained[i]));
  }
}

// One item stands where all users are.
void MakeHub(Snapshot* s) {
  std::vector<float> mean(s->dim(), 0.0f);
  for (size_t u = 0; u < s->users.rows; ++u) {
    for (size_t c = 0; c < s->dim(); ++c) mean[c] += s->users.Row(u)[c];
  }
  model::Normalise(mean.data(), s->dim());
  const size_t hub = FirstTrained(s->item_popularity);
  std::copy(mean.begin(), mean.end(), s->items.Row(hub));
  // And users lean towards it.
  for (size_t u = 0; u < s->users.rows; ++u) {
    if (s->user_degree[u] == 0) continue;
    for (size_t c = 0; c < s->dim(); ++c) s->users.Row(u)[c] += 2 * mean[c];
    model::Normalise(s->users.Row(u), s->dim());
  }
}

void MakeParallel(Snapshot* s) {
  std::mt19937_64 random(6);
  std::vector<float> one(s->dim());
  trainer::RandomUnitRow(&random, s->dim(), one.data());
  const auto set = [&](model::Matrix* rows,
                       const std::vector<uint32_t>& counts) {
    for (size_t r = 0; r < rows->rows; ++r) {
      if (counts[r] == 0) continue;
      for (size_t c = 0; c < rows->cols; ++c) {
        rows->Row(r)[c] = one[c] + .01f * rows->Row(r)[c];
      }
      model::Normalise(rows->Row(r), rows->cols);
    }
  };
  set(&s->users, s->user_degree);
  set(&s->items, s->item_popularity);
}

void DropHalf(Snapshot* s) {
  for (size_t i = 0; i < s->items.rows; i += 2) {
    s->item_popularity[i] = 0;
    std::fill_n(s->items.Row(i), s->dim(), 0.0f);
  }
}

void Randomise(Snapshot* s) {
  std::mt19937_64 random(8);
  for (size_t u = 0; u < s->users.rows; ++u) {
    if (s->user_degree[u] > 0)
      trainer::RandomUnitRow(&random, s->dim(), s->users.Row(u));
  }
  for (size_t i = 0; i < s->items.rows; ++i) {
    if (s->item_popularity[i] > 0)
      trainer::RandomUnitRow(&random, s->dim(), s->items.Row(i));
  }
}

void NarrowRows(Snapshot* s) {
  const auto narrow = [](model::Matrix* rows,
                         const std::vector<uint32_t>& counts) {
    model::Matrix half(rows->rows, rows->cols / 2);
    for (size_t r = 0; r < rows->rows; ++r) {
      if (counts[r] == 0) continue;
      std::copy_n(rows->Row(r), half.cols, half.Row(r));
      model::Normalise(half.Row(r), half.cols);
    }
    *rows = std::move(half);
  };
  narrow(&s->users, s->user_degree);
  narrow(&s->items, s->item_popularity);
}

struct Bad {
  const char* name;
  std::function<void(Snapshot*)> spoil;
};

std::vector<Bad> BadOnes() {
  return {
      {"NaN row",
       [](Snapshot* s) {
         s->items.Row(FirstTrained(s->item_popularity))[3] = NAN;
       }},
      {"zero row",
       [](Snapshot* s) {
         std::fill_n(s->items.Row(FirstTrained(s->item_popularity)), s->dim(),
                     0.0f);
       }},
      {"shuffled ids", ShuffleIds},
      {"hub item", MakeHub},
      {"parallel rows", MakeParallel},
      {"collapsed temperatures",
       [](Snapshot* s) {
         for (float& tau : s->temperatures) tau = std::min(tau, 1e-4f);
       }},
      {"half the items missing", DropHalf},
      {"random vectors", Randomise},
      {"wrong dimension", NarrowRows},
  };
}

// --- Learning ----------------------------------------------------------------

class Learner {
 public:
  Learner(int threads, const model::Interactions* interactions) {
    trainer::OnlineTrainerOptions options;
    options.threads = threads;
    options.publish_interval = absl::Hours(1);
    auto made = trainer::OnlineTrainer::Create(
        options, interactions, [this](SnapshotPtr snapshot) {
          absl::MutexLock lock(&mailbox_.mutex);
          mailbox_.newest = std::move(snapshot);
        });
    if (!made.ok()) {
      std::fprintf(stderr, "%s\n", made.status().ToString().c_str());
      std::exit(2);
    }
    trainer_ = *std::move(made);
    trainer_->Start();
  }

  // The snapshot when it has learnt through `sequence`.
  SnapshotPtr LearnThrough(model::Sequence sequence) {
    trainer_->Notify();
    while (true) {
      trainer_->RequestPublish().IgnoreError();
      SnapshotPtr snapshot;
      {
        absl::MutexLock lock(&mailbox_.mutex);
        mailbox_.mutex.AwaitWithTimeout(
            absl::Condition(
                +[](SnapshotPtr* newest) { return *newest != nullptr; },
                &mailbox_.newest),
            absl::Milliseconds(50));
        snapshot = std::move(mailbox_.newest);
      }
      if (snapshot != nullptr && snapshot->trained_through >= sequence) {
        return snapshot;
      }
    }
  }

 private:
  Mailbox mailbox_;
  std::unique_ptr<trainer::OnlineTrainer> trainer_;
};

void Append(const Pairs& pairs, size_t end, model::Interactions* log) {
  model::Interaction interaction;
  interaction.kind = model::InteractionKind::kClick;
  while (log->size() < end) {
    const size_t at = log->size();
    interaction.sequence = at + 1;
    interaction.time_ms = static_cast<int64_t>(at + 1);
    interaction.user = pairs[at].first;
    interaction.item = pairs[at].second;
    log->Append(interaction);
  }
}

// What a tenth as many random pairs of weight 100 make of the model, learnt by
// a trainer of its own.
SnapshotPtr Poisoned(const Pairs& pairs, int threads) {
  uint32_t users = 0;
  uint32_t items = 0;
  for (const auto& [user, item] : pairs) {
    users = std::max(users, user + 1);
    items = std::max(items, item + 1);
  }
  model::Interactions log;
  Append(pairs, pairs.size(), &log);
  std::mt19937_64 random(9);
  model::Interaction spam;
  spam.kind = model::InteractionKind::kPurchase;
  spam.weight = model::kMaxInteractionWeight;
  for (size_t n = 0; n < pairs.size() / 10; ++n) {
    spam.sequence = pairs.size() + 1 + n;
    spam.time_ms = static_cast<int64_t>(spam.sequence);
    spam.user = random() % users;
    spam.item = random() % items;
    log.Append(spam);
  }
  Learner learner(threads, &log);
  return learner.LearnThrough(spam.sequence);
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: gate_trial DATA [PUBLISHES [THREADS]]\n");
    return 2;
  }
  const std::string data = argv[1];
  const size_t publishes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 200;
  const int threads = argc > 3 ? std::atoi(argv[3]) : 1;
  const Pairs pairs = Read(data);
  if (pairs.empty()) {
    std::fprintf(stderr, "nothing to read in %s\n", data.c_str());
    return 2;
  }
  model::State state;
  Trial trial(&state);
  ModelPtr serving;
  ModelPtr old;
  size_t rejected = 0;
  {
    Learner learner(threads, &state.interactions);
    for (size_t p = 1; p <= publishes; ++p) {
      Append(pairs, pairs.size() * p / publishes, &state.interactions);
      const ModelPtr next =
          BuildModel(learner.LearnThrough(state.interactions.size()));
      const std::string failures = trial.Judge(next, serving.get(), true);
      if (!failures.empty()) {
        ++rejected;
        std::printf("rejected %zu of %zu: %s\n", p, publishes,
                    failures.c_str());
        std::fflush(stdout);
      }
      // The bad ones are made of the model as it was half-way, too.
      if (p == publishes / 2) old = next;
      serving = next;
    }
  }
  std::printf("%s: %zu interactions, %zu snapshots, %zu rejected\n",
              data.c_str(), pairs.size(), publishes, rejected);
  trial.Print();

  size_t caught = 0;
  std::vector<std::pair<std::string, SnapshotPtr>> bad;
  for (const Bad& one : BadOnes()) {
    auto snapshot = std::make_unique<Snapshot>(*serving->snapshot);
    one.spoil(snapshot.get());
    bad.emplace_back(one.name, std::move(snapshot));
  }
  bad.emplace_back("old weights", std::make_unique<Snapshot>(*old->snapshot));
  bad.back().second->trained_through = serving->snapshot->trained_through;
  bad.emplace_back("poisoned by spam", Poisoned(pairs, threads));
  for (auto& [name, snapshot] : bad) {
    const absl::Status servable =
        server::CheckServable(*snapshot, serving->snapshot.get(), 64);
    const std::string failures =
        servable.ok()
            ? trial.Judge(BuildModel(std::move(snapshot)), serving.get(), false)
            : std::string(servable.message());
    caught += !failures.empty();
    std::printf("%-24s %s\n", name.c_str(),
                failures.empty() ? "PASSED" : failures.c_str());
  }
  std::printf("bad ones rejected: %zu of %zu\n", caught, bad.size());
  return rejected == 0 && caught == bad.size() ? 0 : 1;
}

}  // namespace
}  // namespace taud

int main(int argc, char** argv) { return taud::Main(argc, argv); }
