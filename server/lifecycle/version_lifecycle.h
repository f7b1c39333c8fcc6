#ifndef TAUD_SERVER_LIFECYCLE_VERSION_LIFECYCLE_H_
#define TAUD_SERVER_LIFECYCLE_VERSION_LIFECYCLE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "model/types.h"

namespace taud::server {

// Which snapshot version is wanted, which is being loaded, which serves and
// which is pinned: four numbers that may all differ. Version 7 serves and 5 is
// pinned after an erasure made 7 out of 5; a roll-back to 3 is wanted; 3 is
// loading.
//
// One change of what serves is under way at a time:
//
//   kIdle ──Want──▶ kWanted ──Load──▶ kLoading ──Loaded──▶ kReady ──Serve──▶
//   kIdle
//     ▲                │                  │                   │
//     └────────────────┴──── Abandon ─────┴───────────────────┘
//
// kWanted: chosen, nothing is spent on it yet. kLoading: it has a number; the
// gate, the index. kReady: it could serve; what must be on disk first is being
// written. Serve and Abandon end it: with Abandon what served goes on serving,
// and what is pinned stays pinned.
//
// A move that the drawing does not have is refused with INTERNAL and changes
// nothing. Decides and remembers only: the publisher acts. Thread-compatible.
class VersionLifecycle {
 public:
  enum class State { kIdle, kWanted, kLoading, kReady };

  // Version 0: the next one that training makes, which has no number yet.
  absl::Status Want(model::SnapshotVersion version);
  absl::Status Load(model::SnapshotVersion version);
  absl::Status Loaded();
  // What is ready serves. Returns INTERNAL if nothing is.
  absl::Status Serve();
  // The change under way, if any, does not come about.
  void Abandon();

  // Nothing serves any more: an erasure left nothing to recommend from.
  // REQUIRES: kIdle.
  absl::Status ServeNothing();

  // A pinned version serves until somebody asks for a new one. 0: none.
  void Pin(model::SnapshotVersion version) { pinned_ = version; }

  State state() const { return state_; }
  // Of the change under way; nullopt: there is none, or it has none yet.
  std::optional<model::SnapshotVersion> wanted() const { return wanted_; }
  std::optional<model::SnapshotVersion> loading() const { return loading_; }
  // 0: nothing serves, nothing is pinned.
  model::SnapshotVersion serving() const { return serving_; }
  model::SnapshotVersion pinned() const { return pinned_; }

 private:
  // The only place where the state changes, but for Abandon.
  absl::Status Move(State from, State to);

  State state_ = State::kIdle;
  std::optional<model::SnapshotVersion> wanted_;
  std::optional<model::SnapshotVersion> loading_;
  model::SnapshotVersion serving_ = 0;
  model::SnapshotVersion pinned_ = 0;
};

absl::string_view StateName(VersionLifecycle::State state);

// What is done with a snapshot that the trainer offers.
enum class OfferVerdict {
  kTake,
  // It has learnt less than what serves, as after a start from an older
  // checkpoint. Good, and yet a step back: training catches up, and whoever
  // asked for a snapshot waits on.
  kBehind,
  // A version is pinned, and nobody has asked for this one.
  kPinned,
};

// `serving_through`: how far the serving snapshot has learnt; nullopt: nothing
// serves. `asked_for`: somebody waits for a new snapshot. Pure.
OfferVerdict JudgeOffer(model::Sequence offered_through,
                        std::optional<model::Sequence> serving_through,
                        model::SnapshotVersion pinned, bool asked_for);

}  // namespace taud::server

#endif  // TAUD_SERVER_LIFECYCLE_VERSION_LIFECYCLE_H_
