#ifndef TAUD_SERVER_QUALITY_QUALITY_WATCH_H_
#define TAUD_SERVER_QUALITY_QUALITY_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "model/state.h"
#include "model/steady_clock.h"
#include "server/quality/evaluation.h"
#include "server/quality/event_ranking.h"
#include "server/quality/input_watch.h"
#include "server/quality/live_line.h"
#include "server/quality/served_lists.h"
#include "server/serving/serving_model.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// Watches a model while it serves: ranks a sample of the interactions that
// arrive before they are learnt, looks at a sample of the lists that go out,
// at what comes in, and at how one snapshot differs from the one before. Says
// when live quality has fallen.
//
// It reads the log in memory, so that nothing is added to the path of an
// interaction. Besides the serving model it holds the one that this is compared
// with: the last that has proven itself, or the one before.
//
// Thread-safe. Owns one thread, which does all the work; Stop joins it.
class QualityWatch {
 public:
  struct Options {
    // Of one core, for ranking events; 0: none is ranked.
    double evaluation_share = .01;
    bool automatic_rollback = true;
    uint64_t seed = 1;
    std::function<absl::Time()> steady_now = model::SteadyNow;
    // CPU time of the calling thread, for the share; tests bring their own.
    std::function<absl::Duration()> cpu_time;
  };
  // Both may be null. `on_fall`, on the watch's thread: live quality has fallen
  // with version `bad`, and `good` was better on the same events; `why` has the
  // figures. `on_figures`, on the thread that calls OnSwap: what came out for a
  // version that does not serve any more. `on_error`, on the watch's thread: a
  // look or a task failed; the next one is made all the same.
  struct Callbacks {
    std::function<void(std::shared_ptr<const ServingModel> good,
                       model::SnapshotVersion bad, std::string why)>
        on_fall;
    std::function<void(model::SnapshotVersion version,
                       const v1::LiveFigures& figures)>
        on_figures;
    std::function<void(const absl::Status& error)> on_error;
  };

  // `state` outlives it.
  QualityWatch(Options options, const model::State* state, Callbacks callbacks);
  ~QualityWatch();

  // How the model that serves came there.
  enum class Swap {
    // The next one: it is compared with the one before.
    kNext,
    // Chosen by somebody, or taken back to: it is compared with nothing.
    kChosen,
    // An erasure: whatever was before is let go of at once.
    kErasure,
  };
  // `now` serves (null: nothing does). Quick, but for the destruction of a
  // model that nobody else holds after an erasure.
  void OnSwap(std::shared_ptr<const ServingModel> now, Swap swap);

  // What the serving model is compared with: for its address alone.
  const ServingModel* reference() const;

  // For the searchers.
  ListSampler* lists() { return &sampler_; }

  // From here on what arrives is looked at; what is in the log is not new.
  void Start();
  // Runs `task` on the watch's thread, between two looks; what it throws goes
  // to `on_error`. RESOURCE_EXHAUSTED if many wait already; UNAVAILABLE after
  // Stop; then it is not run.
  absl::Status RunLater(absl::AnyInvocable<void()> task);
  void Stop();

  // One look at what arrived since the last. For tests that have no thread.
  void Look();
  // Begin of what Start does, for them.
  void Begin();

  // All but what only the trainer knows.
  v1::Quality Report() const;
  // The essentials.
  v1::LiveFigures Live() const;

 private:
  // What a look works with.
  struct Models {
    std::shared_ptr<const ServingModel> current;
    std::shared_ptr<const ServingModel> reference;
    uint64_t generation = 0;
  };
  void Run();
  // Waits; false: stopped.
  bool Await(std::vector<absl::AnyInvocable<void()>>* tasks);
  Models TakeModels();
  // The events among [seen_, end): of all that could be ranked, a sample that
  // the share allows.
  std::vector<model::Interaction> SampleArrivals(size_t end);
  void Evaluate(const Models& models,
                const std::vector<model::Interaction>& events);
  void JudgeAndAct(const Models& models);
  void LookAtLists();
  void LookAtSnapshots(const Models& models);
  v1::LiveFigures FiguresLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  double NowSeconds() const;

  // Constant after construction.
  const Options options_;
  const model::State* const state_;
  const Callbacks callbacks_;

  ListSampler sampler_;  // internally synchronised
  std::thread thread_;   // touched by Start and Stop

  // The watch's thread's.
  size_t seen_ = 0;  // position in the log
  std::mt19937_64 random_;
  double credit_ = 0;         // seconds that may be spent
  double event_seconds_ = 0;  // decayed mean of what an event costs
  absl::Time last_look_ = absl::InfinitePast();
  uint64_t looked_generation_ = 0;
  TenthBounds tenth_bounds_{};
  model::SnapshotVersion tenths_of_ = 0;

  mutable absl::Mutex mutex_;
  model::SteadyAlarm alarm_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<absl::AnyInvocable<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const ServingModel> current_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const ServingModel> reference_ ABSL_GUARDED_BY(mutex_);
  // What the serving one took the place of, until drift was measured, if that
  // is due.
  std::shared_ptr<const ServingModel> before_ ABSL_GUARDED_BY(mutex_);
  absl::Time last_drift_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;  // counts swaps
  Evaluation evaluation_ ABSL_GUARDED_BY(mutex_);
  // Since the reference was chosen.
  LiveLine line_ ABSL_GUARDED_BY(mutex_);
  uint64_t own_events_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t own_hits_10_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t own_popularity_hits_10_ ABSL_GUARDED_BY(mutex_) = 0;
  double own_ndcg_10_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t skipped_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t unsampled_ ABSL_GUARDED_BY(mutex_) = 0;
  double seconds_ ABSL_GUARDED_BY(mutex_) = 0;
  ServedLists served_ ABSL_GUARDED_BY(mutex_);
  InputWatch input_ ABSL_GUARDED_BY(mutex_);
  v1::LearningHealth learning_ ABSL_GUARDED_BY(mutex_);
  size_t items_with_vector_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_QUALITY_WATCH_H_
