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

// Online queries that may wait: as many as are searched within `max_wait` at
// the present speed, but no fewer than two batches a thread (a burst is no
// overload) and no more than `max_queue`. `query_seconds` is what a query takes
// a thread in a batch, 0 if not known yet. Pure.
struct QueueInput {
  size_t max_queue = 1;
  size_t max_batch = 1;
  int threads = 1;
  double max_wait_seconds = 0;
  double query_seconds = 0;
};
size_t QueueLimit(const QueueInput& input);

}  // namespace taud::server

#endif  // TAUD_SERVER_TURN_PLAN_H_
