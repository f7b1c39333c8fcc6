#ifndef TAUD_TRAINER_ONLINE_ROW_RENEWAL_H_
#define TAUD_TRAINER_ONLINE_ROW_RENEWAL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace taud::trainer {

// Lets rows that have settled learn what comes later as well as what came
// first.
//
// The problem: a row's learning rate falls with its age, the passes over its
// pairs. A row that has settled moves at the lowest rate. A pair that comes
// then is learnt worse than if it had been there from the beginning.
//
// The rule: each new pair of a settled row makes the row owe age. When there is
// nothing else to do, rows are made younger by what they owe. At the higher
// rates of that age they learn their pairs again, the old ones and the new
// ones. They lose at most a fifth of their age at a time (kMostAtOnce), so that
// the answers stay good meanwhile.
//
// An example: a row has settled, so its age is 30 passes, and its 40th pair
// comes. That leaves the row owing kTimes = 4 pairs, which is 4 / 40 of its
// age, or 3 passes. So the row is made 3 passes younger, and learns for 3
// passes more. A row that is only half settled owes half of that, for it learns
// at higher rates as it is. A row that owes 20 of its 40 pairs, 15 passes, pays
// 6 of them (a fifth of 30) at a time.
//
// This class keeps what the rows of one side, users or items, owe, in pairs. It
// counts in whole units, not in fractions, so that neither the order of calls
// nor a stop at a checkpoint changes the sum. Thread-compatible.
class RowRenewal {
 public:
  // What a settled row owes for one new pair, in pairs.
  static constexpr double kTimes = 4;
  // The share of its age that a row loses at a time, at most: after a fifth of
  // 30 passes its rate is a tenth of the greatest.
  static constexpr double kMostAtOnce = 0.2;

  void Grow(size_t rows) { owed_.resize(rows, 0); }

  // The row has a new pair. `settled`: its age ÷ the horizon, from 0 to 1.
  void Note(uint32_t row, double settled);
  // The row is gone.
  void Forget(uint32_t row);

  double owed() const;  // pairs, by all rows

  // Takes visits[r] back in proportion to what row r owes of its degrees[r]
  // pairs; a row without pairs owes nothing. Returns the pairs paid. REQUIRES:
  // as many visits as were grown to.
  double Pay(const std::vector<uint32_t>& degrees, std::vector<float>* visits);

  // Everything, by row.
  const std::vector<uint32_t>& State() const { return owed_; }
  void Assign(std::vector<uint32_t> state);

 private:
  std::vector<uint32_t> owed_;  // in units
  uint64_t total_ = 0;
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_ONLINE_ROW_RENEWAL_H_
