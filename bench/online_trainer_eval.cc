// How fast the online trainer learns a bulk load, or a stream, and how well.
//
//   online_trainer_eval DIR [SECONDS [THREADS [test|validation [PARTS
//   [FIRST]]]]]
//
// Appends every interaction of DIR/train.txt (a line a user: user item …), in
// random order of fixed seed, and ranks all items with each snapshot as it is
// published. All at once, or, with PARTS, six tenths at once and the others in
// so many parts, each when the one before has settled. With FIRST, user by
// user, so many interactions at once and the others in so many parts that do
// not wait: a load that comes while it is learnt. Time counts from the
// trainer's start. With `validation` a tenth of each user's training items, of
// fixed seed, is held out and ranked instead of test.txt: choices are made on
// that, and `test` is for reporting.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/interactions.h"
#include "model/item_lists.h"
#include "tests/trainer/evaluate_ranking.h"
#include "trainer/online/online_trainer.h"

namespace taud {
namespace {

constexpr size_t kRanks = 20;

model::ItemLists ReadLists(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(1);
  }
  model::ItemLists lists;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    size_t user = 0;
    if (!(fields >> user)) continue;
    if (lists.size() <= user) lists.resize(user + 1);
    for (uint32_t item = 0; fields >> item;) lists[user].push_back(item);
  }
  return lists;
}

// Moves a tenth of each user's items from *train to the result.
model::ItemLists CutValidation(model::ItemLists* train) {
  std::mt19937_64 random(20);
  model::ItemLists held_out(train->size());
  for (size_t user = 0; user < train->size(); ++user) {
    std::vector<uint32_t>& items = (*train)[user];
    std::shuffle(items.begin(), items.end(), random);
    const size_t count = items.size() / 10;
    held_out[user].assign(items.end() - static_cast<std::ptrdiff_t>(count),
                          items.end());
    items.resize(items.size() - count);
  }
  return held_out;
}

using Pairs = std::vector<std::pair<uint32_t, uint32_t>>;

Pairs MakePairs(const model::ItemLists& train, bool shuffled) {
  Pairs pairs;
  for (uint32_t user = 0; user < train.size(); ++user) {
    for (const uint32_t item : train[user]) pairs.emplace_back(user, item);
  }
  if (!shuffled) return pairs;
  std::mt19937_64 random(7);
  std::shuffle(pairs.begin(), pairs.end(), random);
  return pairs;
}

// Appends what is missing of the first `count` pairs.
void AppendThrough(const Pairs& pairs, size_t count,
                   model::Interactions* interactions) {
  model::Interaction interaction;
  interaction.kind = model::InteractionKind::kClick;
  for (size_t at = interactions->size(); at < count; ++at) {
    interaction.sequence = at + 1;
    interaction.user = pairs[at].first;
    interaction.item = pairs[at].second;
    interactions->Append(interaction);
  }
}

// How many pairs there are when the bulk, `first` of them if that is not 0, and
// `part` of `parts` have come.
size_t PairsThrough(size_t all, size_t first, size_t part, size_t parts) {
  if (parts == 0) return all;
  const size_t bulk = std::min(all, first > 0 ? first : all * 6 / 10);
  return bulk + (all - bulk) * part / parts;
}

// Snapshots on their way from the trainer's thread to the evaluation.
struct Mailbox {
  absl::Mutex mutex;
  std::unique_ptr<model::Snapshot> newest ABSL_GUARDED_BY(mutex);
  absl::Time published ABSL_GUARDED_BY(mutex);
};

// The newest that was published, which is then the caller's; null after a
// second without one.
std::unique_ptr<model::Snapshot> Take(Mailbox* mailbox, absl::Time* published) {
  absl::MutexLock lock(&mailbox->mutex);
  mailbox->mutex.AwaitWithTimeout(
      absl::Condition(
          +[](std::unique_ptr<model::Snapshot>* s) { return *s != nullptr; },
          &mailbox->newest),
      absl::Seconds(1));
  *published = mailbox->published;
  return std::move(mailbox->newest);
}

void PrintRow(double seconds, model::Snapshot* snapshot,
              const model::ItemLists& train, const model::ItemLists& wanted,
              const trainer::TrainerStatus& status) {
  const trainer::RankingQuality quality = trainer::EvaluateRanking(
      snapshot->users, snapshot->items, train, wanted, kRanks, 1);
  std::printf("%8.1f %8.0f %8.2f %8.4f %8.4f %8.4f %8.4f %8.4f %10.0f\n",
              seconds, snapshot->metrics["pairs"], snapshot->metrics["epochs"],
              quality.recall, quality.ndcg, double{snapshot->tau0},
              status.tau_user_p90, status.loss, status.positives_per_second);
  std::fflush(stdout);
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: online_trainer_eval DIR [SECONDS [THREADS "
                 "[test|validation [PARTS [FIRST]]]]]\n");
    return 2;
  }
  const std::string dir = argv[1];
  const double seconds = argc > 2 ? std::atof(argv[2]) : 300;
  trainer::OnlineTrainerOptions options;
  options.threads = argc > 3 ? std::atoi(argv[3]) : 2;
  const bool validation = argc > 4 && std::string(argv[4]) == "validation";
  const size_t parts = argc > 5 ? std::strtoul(argv[5], nullptr, 10) : 0;
  const size_t first = argc > 6 ? std::strtoul(argv[6], nullptr, 10) : 0;

  model::ItemLists train = ReadLists(dir + "/train.txt");
  const model::ItemLists wanted =
      validation ? CutValidation(&train) : ReadLists(dir + "/test.txt");
  const Pairs pairs = MakePairs(train, first == 0);
  size_t part = 0;
  model::Interactions interactions;
  AppendThrough(pairs, PairsThrough(pairs.size(), first, part, parts),
                &interactions);

  Mailbox mailbox;
  auto online = trainer::OnlineTrainer::Create(
      options, &interactions, [&](std::unique_ptr<model::Snapshot> snapshot) {
        absl::MutexLock lock(&mailbox.mutex);
        mailbox.newest = std::move(snapshot);
        mailbox.published = absl::Now();
      });
  if (!online.ok()) {
    std::fprintf(stderr, "%s\n", online.status().ToString().c_str());
    return 1;
  }
  std::printf("protocol: %s, %zu interactions, %d threads\n",
              validation ? "validation slice of train.txt" : "test.txt",
              pairs.size(), options.threads);
  std::printf("%8s %8s %8s %8s %8s %8s %8s %8s %10s\n", "seconds", "pairs",
              "epochs", "recall20", "ndcg20", "tau0", "tau_p90", "loss",
              "pairs/s");
  const absl::Time start = absl::Now();
  const absl::Time end = start + absl::Seconds(seconds);
  (*online)->Start();
  bool done = false;
  while (!done && absl::Now() < end) {
    absl::Time published;
    std::unique_ptr<model::Snapshot> snapshot = Take(&mailbox, &published);
    const trainer::TrainerStatus status = (*online)->status();
    const bool settled = status.state == trainer::TrainerState::kIdle &&
                         status.trained_through == interactions.size();
    done = (settled && part == parts) ||
           status.state == trainer::TrainerState::kFailed;
    if ((settled || first > 0) && part < parts) {
      AppendThrough(pairs, PairsThrough(pairs.size(), first, ++part, parts),
                    &interactions);
      (*online)->Notify();
    }
    if (snapshot == nullptr) continue;
    PrintRow(absl::ToDoubleSeconds(published - start), snapshot.get(), train,
             wanted, status);
  }
  const trainer::TrainerStatus status = (*online)->status();
  // What was published last is older than what was learnt last.
  if ((*online)->RequestPublish().ok()) {
    absl::Time published;
    const auto last = Take(&mailbox, &published);
    if (last != nullptr) {
      PrintRow(absl::ToDoubleSeconds(published - start), last.get(), train,
               wanted, status);
      std::printf("τ₀ is %.2f times Eq. 14's\n", last->metrics["tau0_factor"]);
    }
  }
  std::printf("ended: %s %s after %.2f epochs, %llu steps\n",
              trainer::TrainerStateName(status.state), status.error.c_str(),
              status.epochs, static_cast<unsigned long long>(status.steps));
  return 0;
}

}  // namespace
}  // namespace taud

int main(int argc, char** argv) { return taud::Main(argc, argv); }
