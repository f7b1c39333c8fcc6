#ifndef TAUD_SERVER_QUALITY_SERVED_LISTS_H_
#define TAUD_SERVER_QUALITY_SERVED_LISTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/state.h"
#include "server/serving/recommender.h"
#include "server/serving/serving_model.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// What of one list that went out is looked at: its first items.
struct ServedList {
  static constexpr size_t kItems = 10;
  std::optional<model::UserIndex> user;
  v1::Representation representation = v1::REPRESENTATION_UNSPECIFIED;
  std::vector<model::ItemIndex> items;
  std::vector<float> scores;         // of those that have one
  std::vector<float> probabilities;  // likewise
  // 1 − mean cosine of the pairs of items that have vectors; 0 without any.
  double diversity = 0;
};

// Takes a sample of the lists that go out. Offer is called by the searchers
// for each: it costs an atomic increment for all but one of kEvery, and one
// that finds the mutex held, or the box full, passes by. It holds no model, so
// that none lives longer than its requests. Thread-safe.
class ListSampler {
 public:
  static constexpr size_t kEvery = 16;
  static constexpr size_t kMostWaiting = 256;

  void Offer(const ServingModel& model, const RecommendTask& task,
             const Recommendation& answer);
  std::vector<ServedList> Take();

 private:
  std::atomic<uint64_t> offered_{0};
  absl::Mutex mutex_;
  std::vector<ServedList> waiting_ ABSL_GUARDED_BY(mutex_);
};

// Figures of the last kMost sampled lists. Not thread-safe.
class ServedLists {
 public:
  static constexpr size_t kMost = 2000;
  // Population stability compares with the scores of an hour ago.
  static constexpr size_t kScoreBins = 10;

  // `users`: that are known.
  void Add(const ServedList& list, const model::State& state, absl::Time now);
  // Forgets all that is about items and users: after an erasure.
  void Clear();
  void Fill(const model::State& state, size_t items_with_vector,
            v1::ServedLists* lists) const;

 private:
  struct Kept {
    v1::Representation representation = v1::REPRESENTATION_UNSPECIFIED;
    std::vector<model::ItemIndex> items;
    double popularity = 0;
    double novelty = 0;
    double diversity = 0;
    std::optional<double> entropy;
    std::optional<double> unlike_last;  // 1 − share in common with it
  };
  void NoteScores(const ServedList& list, absl::Time now);

  uint64_t sampled_ = 0;
  std::deque<Kept> kept_;
  std::optional<model::UserIndex> last_user_;
  // Scores by width .1 from 0 to 1: of the hour that runs and the one before.
  std::vector<double> scores_now_ = std::vector<double>(kScoreBins);
  std::vector<double> scores_before_;
  absl::Time hour_began_ = absl::InfinitePast();
};

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_SERVED_LISTS_H_
