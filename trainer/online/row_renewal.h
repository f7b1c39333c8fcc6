#ifndef TAUD_TRAINER_ONLINE_ROW_RENEWAL_H_
#define TAUD_TRAINER_ONLINE_ROW_RENEWAL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace taud::trainer {

// Rows that have settled move at the lowest rate, and learn what comes later
// never as well as if it had been there from the beginning. So each new pair
// leaves its rows owing age: when there is nothing else to do, they are made
// younger by what they owe, a little at a time so that their answers stay good,
// and learn old pairs and new ones again at the rates of that age. A row that
// has not settled owes as much less: it learns at high rates as it is.
//
// This keeps what the rows of one side owe, in pairs. Exact: in whole units, so
// that the order of calls and a pass through a checkpoint change nothing.
// Thread-compatible.
class RowRenewal {
 public:
  // The pairs that a new pair of a settled row leaves owing, beyond itself.
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
