#ifndef TAUD_SERVER_TURN_PLAN_H_
#define TAUD_SERVER_TURN_PLAN_H_

#include <cstddef>

namespace taud::server {

// Two kinds of work share the searcher: single requests, whose latency a
// person feels, and bulk ones, of which only the throughput matters.
enum class Lane { kNone, kOnline, kBulk };

// Bulk gets one turn after this many online ones, if it waits.
inline constexpr size_t kOnlineTurnsPerBulkTurn = 4;

struct TurnInput {
  size_t online_waiting = 0;  // queries
  size_t bulk_waiting = 0;    // queries
  size_t online_turns = 0;    // taken since the last bulk turn
  size_t max_batch = 1;
};

struct Turn {
  Lane lane = Lane::kNone;
  size_t take = 0;  // queries
};

// What a searcher that has become free does next: at once what waits, as much
// of it as fits one batch; queries gather by themselves while it is busy.
// Pure.
Turn PlanTurn(const TurnInput& input);

}  // namespace taud::server

#endif  // TAUD_SERVER_TURN_PLAN_H_
