#include "lab/prequential.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "lab/defaults.h"
#include "model/interactions.h"
#include "model/item_lists.h"
#include "query/fold_in.h"
#include "query/neighbourhood.h"
#include "query/new_items.h"
#include "trainer/evaluation/evaluation.h"
#include "trainer/kernels/vector_kernels.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/offline/offline_fit.h"
#include "trainer/online/online_fit.h"

namespace taud::lab {
namespace {

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since)
      .count();
}

// A snapshot and what is known of items that came after it: what the daemon
// answers from.
struct Served {
  explicit Served(std::unique_ptr<model::Snapshot> from)
      : snapshot(std::move(from)),
        fold_in(snapshot.get()),
        new_items(snapshot.get()),
        neighbours(query::NeighbourWeightsOf(*snapshot)),
        mean_popularity(query::MeanPopularity(snapshot->item_popularity)) {}
  const std::unique_ptr<model::Snapshot> snapshot;
  const query::FoldIn fold_in;
  query::NewItems new_items;
  const query::NeighbourWeights neighbours;
  const double mean_popularity;
};

// Where `item` stands when items are ranked by `score`, from 1; those with a
// mark are passed over. Ties count half.
template <typename Score>
double RankOf(uint32_t item, const std::vector<uint8_t>& marked,
              const Score& score) {
  const double own = score(item);
  double before = 0;
  for (uint32_t other = 0; other < marked.size(); ++other) {
    if (other == item || marked[other] != 0) continue;
    const double theirs = score(other);
    if (theirs > own) {
      before += 1;
    } else if (theirs == own) {
      before += 0.5;
    }
  }
  return before + 1;
}

class Replay {
 public:
  Replay(const std::vector<StreamPair>& stream,
         const PrequentialOptions& options, const PrequentialObserver& observer)
      : stream_(stream),
        options_(options),
        observer_(observer),
        pool_(options.threads) {
    for (const StreamPair& pair : stream) {
      users_ = std::max(users_, pair.user + 1);
      items_ = std::max(items_, pair.item + 1);
    }
    seen_.resize(users_);
    history_.resize(users_);
    popularity_.resize(items_, 0);
    recency_.resize(items_, 0);
    marked_.resize(items_, 0);
    scores_.resize(items_);
    trainer::OnlineFitOptions fit;
    fit.seed = options.seed;
    fit.neighbours = options.neighbours;
    fit_ = std::make_unique<trainer::OnlineFit>(
        fit, trainer::MakeCpuMf(options.dim, &pool_));
  }

  absl::StatusOr<PrequentialResult> Run() {
    size_t window = 0;
    size_t night = 0;
    for (size_t i = 0; i < stream_.size(); ++i) {
      const StreamPair& pair = stream_[i];
      if (!seen_[pair.user].contains(pair.item)) {
        if (pair.tested) Test(pair);
        Take(pair);
      }
      const size_t done = i + 1;
      if (done % options_.chunk == 0) {
        absl::Status status = LearnOnline();
        if (!status.ok()) return status;
        if (!observer_(Share(done), nullptr)) return Stopped(done);
      }
      if (options_.nights > 0 &&
          done * options_.nights / stream_.size() > night) {
        night = done * options_.nights / stream_.size();
        absl::Status status = LearnNightly();
        if (!status.ok()) return status;
      }
      if (done * options_.windows / stream_.size() > window) {
        window = done * options_.windows / stream_.size();
        EndWindow(done);
        if (!observer_(Share(done), &result_.windows.back())) {
          return Stopped(done);
        }
      }
    }
    Divide(&result_.total);
    for (PrequentialWindow& part : result_.by_history) Divide(&part);
    result_.total.end = stream_.size();
    if (online_ != nullptr) {
      result_.weights = online_->fold_in.weights();
      result_.neighbours = online_->neighbours;
    }
    return std::move(result_);
  }

 private:
  double Share(size_t done) const {
    return static_cast<double>(done) / static_cast<double>(stream_.size());
  }
  static absl::Status Stopped(size_t done) {
    return absl::CancelledError(
        absl::StrCat("stopped after ", done, " interactions"));
  }

  void Test(const StreamPair& pair) {
    for (const uint32_t item : history_[pair.user]) marked_[item] = 1;
    const auto popular = [&](uint32_t item) {
      return static_cast<double>(popularity_[item]);
    };
    const auto recent = [&](uint32_t item) {
      return static_cast<double>(recency_[item]);
    };
    const size_t known = history_[pair.user].size();
    const auto length =
        static_cast<size_t>(std::upper_bound(kHistoryLengths.begin(),
                                             kHistoryLengths.end(), known) -
                            kHistoryLengths.begin() - 1);
    counted_ = {&now_, &result_.total, &result_.by_history[length]};
    for (PrequentialWindow* window : counted_) ++window->tested;
    Count(kPopularity, RankOf(pair.item, marked_, popular));
    Count(kRecency, RankOf(pair.item, marked_, recent));
    Count(kOnline, RankBy(online_.get(), pair, popular));
    Count(kNightly, RankBy(nightly_.get(), pair, popular));
    for (const uint32_t item : history_[pair.user]) marked_[item] = 0;
  }

  template <typename Popular>
  double RankBy(Served* served, const StreamPair& pair,
                const Popular& popular) {
    std::vector<float> query;
    if (served == nullptr || !Query(*served, pair.user, &query)) {
      return RankOf(pair.item, marked_, popular);
    }
    const model::Snapshot& snapshot = *served->snapshot;
    // Items without a vector come after all others, by popularity.
    constexpr double kLast = -1e6;
    for (uint32_t item = 0; item < items_; ++item) {
      const bool known =
          item < snapshot.items.rows && snapshot.item_popularity[item] > 0;
      scores_[item] =
          known ? double{trainer::Dot(query.data(), snapshot.items.Row(item),
                                      static_cast<int64_t>(query.size()))}
                : kLast + popular(item);
    }
    AddNeighbourhood(*served, pair.user);
    const auto fresh = served->new_items.Update(interactions_, no_catalogue_);
    std::vector<float> fresh_scores;
    fresh->Score(query, &fresh_scores);
    for (size_t i = 0; i < fresh->items.size(); ++i) {
      scores_[fresh->items[i]] = double{fresh_scores[i]};
    }
    return RankOf(pair.item, marked_,
                  [this](uint32_t item) { return scores_[item]; });
  }

  // Only where there is a cosine to add to.
  void AddNeighbourhood(const Served& served, uint32_t user) {
    if (served.neighbours.weight <= 0) return;
    const model::Snapshot& snapshot = *served.snapshot;
    const std::vector<uint32_t> latest(history_[user].rbegin(),
                                       history_[user].rend());
    std::vector<query::NeighbourStrength> strengths;
    query::FindStrengths(snapshot.neighbours, snapshot.item_popularity, latest,
                         &scratch_, &strengths);
    for (const auto& [item, strength] : strengths) {
      if (snapshot.item_popularity[item] == 0) continue;
      scores_[item] +=
          double{served.neighbours.weight * strength *
                 query::PopularityFactor(snapshot.item_popularity[item],
                                         served.mean_popularity,
                                         served.neighbours.power)};
    }
  }

  bool Query(const Served& served, uint32_t user,
             std::vector<float>* query) const {
    query::FoldInInput input;
    input.trained = query::FindTrained(*served.snapshot, user);
    std::vector<model::HistoryEntry> history;
    interactions_.CopyHistory(user, query::kMaxFoldIn, &history);
    input.history = history;
    return served.fold_in.Query(input, query);
  }

  void Count(Ranker ranker, double rank) {
    if (rank > static_cast<double>(options_.k)) return;
    const double gain = trainer::GainOfRank(rank);
    for (PrequentialWindow* window : counted_) {
      window->hit_rate[ranker] += 1;
      window->ndcg[ranker] += gain;
    }
  }

  void Take(const StreamPair& pair) {
    seen_[pair.user].insert(pair.item);
    history_[pair.user].push_back(pair.item);
    ++popularity_[pair.item];
    ++recency_[pair.item];
    latest_.push_back(pair.item);
    if (latest_.size() > options_.recent) {
      --recency_[latest_.front()];
      latest_.pop_front();
    }
    model::Interaction interaction;
    interaction.user = pair.user;
    interaction.item = pair.item;
    interaction.sequence = ++sequence_;
    // The stream says in which order, not when: a second apart.
    interaction.time_ms = static_cast<int64_t>(sequence_) * 1000;
    interaction.kind = model::InteractionKind::kClick;
    interaction.weight = 1.0f;
    interactions_.Append(interaction);
  }

  absl::Status LearnOnline() {
    const auto start = std::chrono::steady_clock::now();
    fit_->Absorb(interactions_);
    if (!fit_->Ready()) return absl::OkStatus();
    const uint64_t until =
        fit_->figures().positives +
        static_cast<uint64_t>(options_.replay *
                              static_cast<double>(options_.chunk));
    while (!fit_->Settled() && fit_->figures().positives < until) {
      absl::Status status = fit_->Step();
      if (!status.ok()) return status;
    }
    online_ = std::make_unique<Served>(fit_->MakeSnapshot());
    result_.online_seconds += Seconds(start);
    return absl::OkStatus();
  }

  absl::Status LearnNightly() {
    const auto start = std::chrono::steady_clock::now();
    trainer::OfflineFitOptions options;
    SetDefaults(&options);
    options.dim = options_.dim;
    options.seed = options_.seed;
    options.schedule_epochs = options_.night_epochs;
    trainer::OfflineFit fit(
        options, &history_, items_,
        trainer::MakeCpuLearner(options, history_, items_, &pool_));
    for (int epoch = 0; epoch < options_.night_epochs; ++epoch) {
      absl::Status status = fit.RunEpoch([](double) { return true; });
      // Too little to learn from yet is no error.
      if (absl::IsFailedPrecondition(status)) return absl::OkStatus();
      if (!status.ok()) return status;
    }
    auto snapshot = std::make_unique<model::Snapshot>();
    snapshot->trained_through = sequence_;
    snapshot->users = fit.Users();
    snapshot->items = fit.Items();
    for (const auto& items : history_) {
      snapshot->user_degree.push_back(static_cast<uint32_t>(items.size()));
    }
    snapshot->item_popularity = popularity_;
    nightly_ = std::make_unique<Served>(std::move(snapshot));
    result_.nightly_seconds += Seconds(start);
    return absl::OkStatus();
  }

  static void Divide(PrequentialWindow* window) {
    const double tested =
        static_cast<double>(std::max<size_t>(1, window->tested));
    for (int ranker = 0; ranker < kRankers; ++ranker) {
      window->hit_rate[ranker] /= tested;
      window->ndcg[ranker] /= tested;
    }
  }

  void EndWindow(size_t done) {
    now_.end = done;
    Divide(&now_);
    result_.windows.push_back(now_);
    now_ = PrequentialWindow();
  }

  const std::vector<StreamPair>& stream_;
  const PrequentialOptions& options_;
  const PrequentialObserver& observer_;
  trainer::WorkerPool pool_;
  uint32_t users_ = 0, items_ = 0;

  std::vector<absl::flat_hash_set<uint32_t>> seen_;  // [user]
  model::ItemLists history_;                         // [user], in order
  std::vector<uint32_t> popularity_, recency_;       // [item]
  std::vector<uint8_t> marked_;                      // [item]
  std::deque<uint32_t> latest_;
  model::Interactions interactions_;
  const model::Catalogue no_catalogue_;  // a stream has no tags
  model::Sequence sequence_ = 0;
  std::unique_ptr<trainer::OnlineFit> fit_;
  std::unique_ptr<Served> online_, nightly_;  // null: nothing learnt yet
  std::vector<double> scores_;                // [item]
  query::NeighbourScratch scratch_;

  PrequentialWindow now_;
  PrequentialResult result_;
  std::array<PrequentialWindow*, 3> counted_ = {};  // those that a test is of
};

}  // namespace

const char* RankerName(int ranker) {
  constexpr const char* kNames[kRankers] = {"online", "popularity", "recency",
                                            "nightly"};
  return kNames[ranker];
}

absl::StatusOr<PrequentialResult> RunPrequential(
    const std::vector<StreamPair>& stream, const PrequentialOptions& options,
    const PrequentialObserver& observer) {
  if (stream.empty()) return absl::InvalidArgumentError("the stream is empty");
  if (options.chunk < 1 || options.windows < 1 ||
      options.windows > stream.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "chunk is ", options.chunk, " and windows ", options.windows,
        ", expected 1 or more, and no more windows than the stream has "
        "interactions (",
        stream.size(), ")"));
  }
  return Replay(stream, options, observer).Run();
}

int RecoveryWindows(const PrequentialResult& result, size_t drift, int ranker,
                    size_t before, double share) {
  size_t first = 0;
  while (first < result.windows.size() && result.windows[first].end <= drift) {
    ++first;
  }
  const size_t begin = first - std::min(before, first);
  if (begin == first) return -1;
  double mean = 0;
  for (size_t w = begin; w < first; ++w) {
    mean +=
        result.windows[w].hit_rate[ranker] / static_cast<double>(first - begin);
  }
  for (size_t w = first; w < result.windows.size(); ++w) {
    if (result.windows[w].hit_rate[ranker] >= share * mean) {
      return static_cast<int>(w - first) + 1;
    }
  }
  return -1;
}

}  // namespace taud::lab
