#ifndef TAUD_MODEL_INTERACTIONS_H_
#define TAUD_MODEL_INTERACTIONS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "model/chunked_vector.h"
#include "model/types.h"

namespace taud::model {

// One item in a user's history: the newest interaction with that item, the one
// that came last.
struct HistoryEntry {
  ItemIndex item = 0;
  InteractionKind kind = InteractionKind::kView;
  bool repeated = false;  // there was one before it
  float weight = 1.0f;
  // Of a dislike: how many sequences before it the item was last liked; 0 if it
  // never was, or too long ago to count.
  uint32_t since_like = 0;
  Sequence sequence = 0;
  int64_t time_ms = 0;

  // Whether it takes back a like that came through `through`.
  bool TakesBack(Sequence through) const {
    return since_like > 0 && sequence - since_like <= through;
  }
};

// Every acknowledged interaction, in memory: in log order for the trainer, by
// user for exclude-seen and fold-in, by item for new items.
//
// One thread appends (the event writer); any thread reads at the same time.
// After Append returns, every reader sees the interaction. Erasures are one
// thread's at a time, which may be another one than the appending.
class Interactions {
 public:
  // The distinct items kept per user, in the order in which they happened
  // (time_ms; those of one instant in the order in which they came), and users
  // per item.
  // Older ones stay *seen* (see CopySeen), they only leave the history.
  static constexpr size_t kMaxHistory = 4096;
  static constexpr size_t kMaxRecentUsers = 64;

  Interactions() = default;
  Interactions(const Interactions&) = delete;
  Interactions& operator=(const Interactions&) = delete;

  // REQUIRES: interaction.sequence > last_sequence(); a CHECK otherwise.
  // One thread only.
  void Append(const Interaction& interaction);

  // Appends many at a time, as a start does: the same outcome, at a fraction
  // of the cost. REQUIRES: ascending sequences, the first above
  // last_sequence(). One thread only.
  void AppendAll(const std::vector<Interaction>& interactions);

  // The log has given sequences through `sequence`, though the events of the
  // last of them are gone: erased, or beyond its bounds. Never goes back. One
  // thread only.
  void AdvanceThrough(Sequence sequence) {
    if (sequence > last_sequence()) {
      last_sequence_.store(sequence, std::memory_order_release);
    }
  }

  // The log in order, in positions [0, size()). Erased ones keep their
  // sequence and are IsErased.
  size_t size() const { return log_.size(); }
  Interaction At(size_t position) const {
    absl::ReaderMutexLock lock(&log_mutex_);
    return log_[position];
  }
  // Calls visit(interaction) for positions [begin, end), in order. An erasure
  // waits for a block of them at most. `visit` must not erase.
  template <typename Visit>
  void ForEach(size_t begin, size_t end, Visit visit) const {
    while (begin < end) {
      const size_t stop = std::min(end, begin + kBlock);
      absl::ReaderMutexLock lock(&log_mutex_);
      for (; begin < stop; ++begin) visit(log_[begin]);
    }
  }
  static bool IsErased(const Interaction& interaction) {
    return interaction.weight == 0;
  }
  // The first position whose sequence is above `after`.
  size_t PositionAfter(Sequence after) const;
  size_t num_erased() const { return erased_.load(std::memory_order_relaxed); }

  // Forgets every interaction of the users and with the items: from the log,
  // the histories, the counts. Idempotent. REQUIRES: no more of them are
  // appended. Reads the whole log.
  void Erase(const std::vector<UserIndex>& users,
             const std::vector<ItemIndex>& items);
  // The last sequence that was given, whether or not its event is still here.
  Sequence last_sequence() const {
    return last_sequence_.load(std::memory_order_acquire);
  }

  // One more than the largest index that has interacted or been interacted
  // with. An index at or beyond it has an empty history.
  size_t num_users() const { return users_.size(); }
  size_t num_items() const { return items_.size(); }

  // Replaces *seen by every distinct item of the user, ascending.
  void CopySeen(UserIndex user, std::vector<ItemIndex>* seen) const;
  // Replaces *history by the user's latest distinct items, at most `limit`,
  // what happened last first: by time_ms, not by when it came.
  void CopyHistory(UserIndex user, size_t limit,
                   std::vector<HistoryEntry>* history) const;
  // As CopyHistory, but only the entries that belong to `part`.
  struct HistoryPart {
    Sequence after = 0;   // those that came after it
    size_t latest = 0;    // and the first so many, whenever they came
    size_t dislikes = 0;  // and dislikes among the first so many
    size_t limit = kMaxHistory;
    // As if what came then or later were not there.
    Sequence before = kNoSequence;
  };
  void CopyHistoryPart(UserIndex user, const HistoryPart& part,
                       std::vector<HistoryEntry>* history) const;
  // Whether there is a dislike in the history.
  bool HasDislikes(UserIndex user) const;
  // Replaces *items by what the user took up at `before` or later, ascending.
  // False if the history of before is not known: something was done again
  // since, and the earlier time is forgotten.
  bool CopyTakenSince(UserIndex user, Sequence before,
                      std::vector<ItemIndex>* items) const;
  // Replaces *items by what the user likes of the latest kMaxHistory, at most
  // `limit`, what happened last first; as if what came at `before` or later
  // were not there.
  void CopyLiked(UserIndex user, size_t limit, std::vector<ItemIndex>* items,
                 Sequence before = kNoSequence) const;
  // Leaves of the pairs those whose user likes the item, in their order: what
  // was disliked, retracted or erased since goes.
  using Pair = std::pair<UserIndex, ItemIndex>;
  void KeepLiked(std::vector<Pair>* pairs) const;
  // For each pair of user and item the log positions of what the user did with
  // the item since it was last retracted, ascending. O(the log): for what is
  // seldom.
  std::map<Pair, std::vector<size_t>> PositionsOf(
      const std::vector<Pair>& pairs) const;
  // The sequence of the last retraction; 0 without one.
  Sequence last_retraction() const {
    return last_retraction_.load(std::memory_order_acquire);
  }
  // The sequence of the user's interaction that came last; 0 without one.
  Sequence NewestOf(UserIndex user) const;

  // Interactions of any kind with the item, repeats and those that were taken
  // back included, retractions not.
  uint32_t ItemCount(ItemIndex item) const;
  // Users whose newest interaction with the item is a positive one.
  uint32_t ItemPositives(ItemIndex item) const;
  // Replaces *users by the last distinct-in-a-row users of the item, newest
  // first, at most kMaxRecentUsers.
  void CopyRecentUsers(ItemIndex item, std::vector<UserIndex>* users) const;

 private:
  struct User {
    std::vector<ItemIndex> seen;        // ascending
    std::vector<HistoryEntry> history;  // oldest first, distinct items
    Sequence newest = 0;                // of all that came
    uint32_t dislikes = 0;              // in the history
  };
  struct Item {
    uint32_t count = 0;
    uint32_t positives = 0;
    std::vector<UserIndex> recent;  // oldest first
  };

  // A User or Item is guarded by the stripe its index falls on. The analysis
  // of clang cannot express that, so the accessors below are the only way in.
  static constexpr size_t kStripes = 256;
  absl::Mutex& UserMutex(UserIndex user) const {
    return user_mutex_[user % kStripes];
  }
  absl::Mutex& ItemMutex(ItemIndex item) const {
    return item_mutex_[item % kStripes];
  }
  static constexpr size_t kBlock = 4096;
  void NoteRetraction(const Interaction& interaction) {
    if (interaction.kind != InteractionKind::kRetract) return;
    last_retraction_.store(interaction.sequence, std::memory_order_release);
  }
  // What an interaction changes in the number of users who like its item.
  enum class Change : int8_t { kLess = -1, kNone = 0, kMore = 1 };
  Change AppendToUser(Interaction* interaction);
  void AppendToItem(const Interaction& interaction, Change change);
  Change AddToUser(const Interaction& interaction, User* user, bool* repeated);
  Change DropFromHistory(UserIndex index, ItemIndex item, User* user);
  // The three below hold the user's stripe, as AddToUser does.
  void MakeRoomToLeave(UserIndex index, size_t more, const User& user);
  void LeaveHistory(UserIndex index, User* user);
  bool TakeOldLike(UserIndex index, ItemIndex item);
  // Says of each of the items whether the user likes it.
  void FindLiked(UserIndex user,
                 absl::flat_hash_map<ItemIndex, bool>* asked) const;
  void ForgetOfUser(UserIndex user, const std::vector<ItemIndex>& items);
  void ForgetOfItem(ItemIndex item, const std::vector<UserIndex>& users,
                    uint32_t positives);

  // Internally synchronised, except that Erase changes elements of log_ under
  // log_mutex_.
  mutable absl::Mutex log_mutex_;
  ChunkedVector<Interaction> log_;
  std::atomic<Sequence> last_sequence_{0};
  std::atomic<size_t> erased_{0};
  std::atomic<Sequence> last_retraction_{0};
  mutable std::array<absl::Mutex, kStripes> user_mutex_;
  mutable std::array<absl::Mutex, kStripes> item_mutex_;

  // What users like that has left their histories, ascending. Few have any.
  using OldLikes = absl::flat_hash_map<UserIndex, std::vector<ItemIndex>>;

  // Elements guarded by their stripe.
  std::array<OldLikes, kStripes> old_likes_;
  ChunkedVector<User> users_;
  ChunkedVector<Item> items_;
};

}  // namespace taud::model

#endif  // TAUD_MODEL_INTERACTIONS_H_
