#include "server/lifecycle/synthetic_world.h"

#include <functional>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "lab/synthetic_snapshot.h"
#include "server/observe/logging.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

constexpr size_t kBatch = 10000;
constexpr char kSelectedTag[] = "selected";

// Hands one batch over and waits for what became of it.
template <typename Result>
absl::Status AndWait(
    const std::function<absl::Status(std::function<void(Result)>)>& hand_over,
    const std::function<absl::Status(const Result&)>& status_of) {
  absl::Notification done;
  absl::Status outcome;
  absl::Status status = hand_over([&](Result result) {
    outcome = status_of(result);
    done.Notify();
  });
  if (!status.ok()) return status;
  done.WaitForNotification();
  return outcome;
}

absl::Status Append(store::EventStore* store,
                    std::vector<store::NewInteraction> batch) {
  using Result = absl::StatusOr<std::vector<store::Appended>>;
  return AndWait<Result>(
      [&](std::function<void(Result)> done) {
        return store->Append(std::move(batch), std::move(done));
      },
      [](const Result& result) { return result.status(); });
}

absl::Status Upsert(store::EventStore* store,
                    std::vector<store::NewItem> batch) {
  return AndWait<absl::Status>(
      [&](std::function<void(absl::Status)> done) {
        return store->UpsertItems(std::move(batch), std::move(done));
      },
      [](const absl::Status& status) { return status; });
}

absl::Status FillItems(const SyntheticWorld& world, store::EventStore* store) {
  std::mt19937_64 random(world.seed + 1);
  std::uniform_real_distribution<double> uniform;
  std::vector<store::NewItem> batch;
  for (size_t i = 0; i < world.items; ++i) {
    store::NewItem item;
    item.id = absl::StrCat("i", i);
    if (uniform(random) < world.selected) item.record.tags = {kSelectedTag};
    batch.push_back(std::move(item));
    if (batch.size() < kBatch && i + 1 < world.items) continue;
    absl::Status status = Upsert(store, std::exchange(batch, {}));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status FillHistories(const SyntheticWorld& world,
                           store::EventStore* store) {
  std::mt19937_64 random(world.seed + 2);
  std::vector<store::NewInteraction> batch;
  const size_t each = std::max<size_t>(world.seen, 1);
  const size_t total = world.users * each;
  for (size_t n = 0; n < total; ++n) {
    store::NewInteraction interaction;
    interaction.user_id = absl::StrCat("u", n / each);
    interaction.item_id = absl::StrCat("i", random() % world.items);
    interaction.time_ms = static_cast<int64_t>(n) + 1;
    batch.push_back(std::move(interaction));
    if (batch.size() < kBatch && n + 1 < total) continue;
    absl::Status status = Append(store, std::exchange(batch, {}));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status SetKey(absl::string_view key, double value,
                    SyntheticWorld* world) {
  const struct {
    const char* name;
    double min, max;
    std::function<void(double)> set;
  } keys[] = {
      {"users", 1, 1e8,
       [&](double v) { world->users = static_cast<size_t>(v); }},
      {"items", 1, 1e8,
       [&](double v) { world->items = static_cast<size_t>(v); }},
      {"dim", 8, 1024, [&](double v) { world->dim = static_cast<size_t>(v); }},
      {"seen", 0, 4096,
       [&](double v) { world->seen = static_cast<size_t>(v); }},
      {"selected", 0, 1, [&](double v) { world->selected = v; }},
      {"swap_ms", 0, 1e9,
       [&](double v) { world->swap_every = absl::Milliseconds(v); }},
      {"seed", 0, 1e9,
       [&](double v) { world->seed = static_cast<uint64_t>(v); }},
  };
  for (const auto& allowed : keys) {
    if (key != allowed.name) continue;
    if (!(value >= allowed.min && value <= allowed.max)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--synthetic: ", key, "=", value, " is not within ",
                       allowed.min, " to ", allowed.max));
    }
    allowed.set(value);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "--synthetic: \"", key,
      "\" is unknown; allowed: users, items, dim, seen, selected, swap_ms, "
      "seed"));
}

}  // namespace

absl::StatusOr<SyntheticWorld> ParseSyntheticWorld(const std::string& text) {
  SyntheticWorld world;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> pair =
        absl::StrSplit(part, absl::MaxSplits('=', 1));
    double value = 0;
    if (!absl::SimpleAtod(pair.second, &value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--synthetic: \"", part, "\" is not key=number"));
    }
    absl::Status status = SetKey(pair.first, value, &world);
    if (!status.ok()) return status;
  }
  return world;
}

absl::Status FillStore(const SyntheticWorld& world, store::EventStore* store) {
  absl::Status status = FillItems(world, store);
  if (status.ok()) status = FillHistories(world, store);
  return status;
}

SyntheticSnapshots::SyntheticSnapshots(const SyntheticWorld& world,
                                       model::Sequence trained_through,
                                       Publisher* publisher)
    : world_(world), trained_through_(trained_through), publisher_(publisher) {
  thread_ = std::thread([this] {
    const absl::Status status = Guarded([this] {
      Run();
      return absl::OkStatus();
    });
    if (status.ok()) return;
    Log(LogLevel::kError, "no more synthetic snapshots; the last one serves",
        {{"error", std::string(status.message())}});
  });
}

SyntheticSnapshots::~SyntheticSnapshots() {
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

void SyntheticSnapshots::Run() {
  std::unique_ptr<model::Snapshot> base = lab::MakeSyntheticSnapshot(
      world_.users, world_.items, world_.dim, world_.seed);
  base->trained_through = trained_through_;
  uint64_t seed = world_.seed;
  publisher_->Offer(std::make_unique<model::Snapshot>(*base));
  if (world_.swap_every == absl::ZeroDuration()) return;
  absl::Time next = absl::Now();
  while (true) {
    next += world_.swap_every;
    {
      absl::MutexLock lock(&mutex_);
      if (mutex_.AwaitWithDeadline(absl::Condition(&stopping_), next)) return;
    }
    std::unique_ptr<model::Snapshot> other =
        lab::PerturbSnapshot(*base, ++seed);
    other->created_ms = absl::ToUnixMillis(absl::Now());
    publisher_->Offer(std::move(other));
  }
}

}  // namespace taud::server
