#ifndef TAUD_SERVER_LIFECYCLE_SYNTHETIC_WORLD_H_
#define TAUD_SERVER_LIFECYCLE_SYNTHETIC_WORLD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/snapshot.h"
#include "server/lifecycle/publisher.h"
#include "store/log/event_store.h"

namespace taud::server {

// A daemon with a made-up world instead of a trainer, for measuring how it
// serves (`tauctl bench serve`): users u0…, items i0…, histories, tags, and a
// snapshot of random vectors that is put into service again and again.
struct SyntheticWorld {
  size_t users = 10000;
  size_t items = 41000;
  size_t dim = 64;
  size_t seen = 20;       // items in a user's history
  double selected = 0.1;  // share of the items that have the tag "selected"
  absl::Duration swap_every = absl::ZeroDuration();  // zero: one snapshot
  uint64_t seed = 1;
};

// From "users=1000,items=2000,swap_ms=500"; what is not named has its default.
// INVALID_ARGUMENT names the key and what is allowed.
absl::StatusOr<SyntheticWorld> ParseSyntheticWorld(const std::string& text);

// Puts the items and the histories of `world` into an empty store; returns
// when all is acknowledged.
absl::Status FillStore(const SyntheticWorld& world, store::EventStore* store);

// Offers a snapshot of `world` to the publisher, and another every
// `swap_every`. Owns the thread that does; destroying it joins. `publisher`
// outlives it.
class SyntheticSnapshots {
 public:
  // `trained_through`: of every snapshot.
  SyntheticSnapshots(const SyntheticWorld& world,
                     model::Sequence trained_through, Publisher* publisher);
  ~SyntheticSnapshots();

 private:
  void Run();

  const SyntheticWorld world_;
  const model::Sequence trained_through_;
  Publisher* const publisher_;

  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_SYNTHETIC_WORLD_H_
