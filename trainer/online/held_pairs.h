#ifndef TAUD_TRAINER_ONLINE_HELD_PAIRS_H_
#define TAUD_TRAINER_ONLINE_HELD_PAIRS_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "model/types.h"
#include "query/recent_items.h"

namespace taud::trainer {

// A positive that is kept from learning for a while.
struct HeldPair {
  uint32_t user = 0, item = 0;
  float weight = 1;
  model::Sequence sequence = 0;
  // What the user had chosen last before it, newest first.
  std::vector<query::RecentItems::Entry> recent;
};

// A file that is loaded at once is learnt as a whole, and of what has been
// learnt nobody can say how well it would have been foretold. So a few of the
// pairs that come while rows are young are held back: when the rows have learnt
// the others, the query meter asks about these, and then they are learnt, too.
// Until then they are folded in like everything that is not in a row yet
// (model::Snapshot::user_behind).
//
// It is users who ask, and each of their answers counts. So users have about as
// many held as one another, if so many were offered, and kMostOfAUser at most;
// if there is not room for one of each, users are chosen at random, and so are
// a user's pairs, by hashes: many files have what is most popular first.
//
// Thread-compatible. Deterministic.
class HeldPairs {
 public:
  // Room for so many tells weights apart that differ by a percent; for fewer
  // where asking takes long, see RoomFor.
  static constexpr size_t kMost = 16384;
  static constexpr size_t kMostOfAUser = 64;
  // How many are to be held of so many pairs that are there, with so many items
  // to rank each among: a tenth of them, of more than 20,480 pairs 2,048 or an
  // eightieth, for what is held is learnt last; and no more than can be asked
  // about in some seconds (4,096 if `items` is 41,000). Pure.
  static size_t RoomFor(size_t live_pairs, size_t items);

  // Whether a pair is one of the tenth that may be held. Pure.
  static bool IsCandidate(uint32_t user, uint32_t item);

  // Holds the pair, or does not; *released is what is to be learnt now: nothing
  // if fewer than `room` are held and fewer than kMostOfAUser of its user,
  // otherwise it or another one, and where there is less room than there was,
  // one more. REQUIRES: not held, room <= kMost.
  // O(kMostOfAUser · log kMost).
  void Offer(HeldPair pair, size_t room, std::vector<HeldPair>* released);
  bool Holds(uint32_t user, uint32_t item) const {
    return place_of_.contains(KeyOf(user, item));
  }
  // Of a pair that is held and came again.
  void SetWeight(uint32_t user, uint32_t item, float weight);
  // No longer held; nothing happens if it was not.
  void Remove(uint32_t user, uint32_t item);
  void Forget(const absl::flat_hash_set<uint32_t>& users,
              const absl::flat_hash_set<uint32_t>& items);
  // Gives all up, in the order in which they came.
  std::vector<HeldPair> TakeAll();

  // Everything. REQUIRES of Assign: distinct pairs, kMost at most.
  const std::vector<HeldPair>& pairs() const { return pairs_; }
  void Assign(std::vector<HeldPair> pairs);
  bool empty() const { return pairs_.empty(); }

 private:
  static uint64_t KeyOf(uint32_t user, uint32_t item) {
    return (uint64_t{user} << 32) | item;
  }
  // Of two pairs the one that comes first stays: by turn, which of its user's
  // it is, and then by user.
  using Order = std::pair<uint32_t, uint64_t>;
  static Order OrderOf(uint32_t turn, uint32_t user);
  // Of two pairs of a user.
  static uint64_t LotOf(const HeldPair& pair);

  void Insert(HeldPair pair);
  HeldPair TakeOut(size_t place);
  // What `order_` has of a user.
  std::vector<std::pair<Order, size_t>> EntriesOf(uint32_t user) const;
  void List(uint32_t user);
  void Unlist(uint32_t user);
  void Rebuild();

  std::vector<HeldPair> pairs_;
  absl::flat_hash_map<uint64_t, size_t> place_of_;  // in pairs_
  // By user, the places of its pairs by ascending lot: their turns.
  absl::flat_hash_map<uint32_t, std::vector<size_t>> places_of_;
  // Every pair by its order, with its place.
  std::set<std::pair<Order, size_t>> order_;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_HELD_PAIRS_H_
