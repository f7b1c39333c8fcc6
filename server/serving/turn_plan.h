#ifndef TAUD_SERVER_SERVING_TURN_PLAN_H_
#define TAUD_SERVER_SERVING_TURN_PLAN_H_

#include <cstddef>

namespace taud::server {

// Three kinds of work share the searcher: single requests, whose latency a
// person feels; those among them whose rules may cost many searches; and bulk
// ones, of which only the throughput matters.
enum class Lane { kNone, kOnline, kCostly, kBulk };

// A turn of costly or bulk work with rules takes no new task after so long.
inline constexpr double kCostlyTurnSeconds = 0.005;

// Bulk gets one turn after this many online ones, if it waits.
inline constexpr size_t kOnlineTurnsPerBulkTurn = 4;

struct TurnInput {
  size_t online_waiting = 0;  // queries
  size_t bulk_waiting = 0;    // queries
  size_t online_turns = 0;    // taken since the last bulk turn
  size_t max_batch = 1;
  // A batch that is not full may wait so long for more, from its first query.
  double max_delay_seconds = 0;
  double oldest_wait_seconds = 0;  // of the first online query
  bool stopping = false;           // nothing more will come
  size_t costly_waiting = 0;       // queries
  bool last_was_costly = false;    // the turn before was
};

struct Turn {
  Lane lane = Lane::kNone;
  size_t take = 0;  // queries
  // kNone: look again when a batch is full, or after so long; 0: when
  // something comes.
  double wait_seconds = 0;
};

// What a searcher that has become free does next: at once what waits, as much
// of it as fits one batch; queries gather by themselves while it is busy.
// Costly work has every second turn, one task or as many as kCostlyTurnSeconds
// allow. With a `max_delay` it waits for a full batch first, and works on bulk
// meanwhile. Pure.
Turn PlanTurn(const TurnInput& input);

// While nothing was refused for so long, there is no overload: a queue may grow
// by kBurst times as much, because a burst, or a pause of the machine, passes.
inline constexpr double kCalmSeconds = 0.1;
inline constexpr double kBurst = 10;

// Online queries that may wait: as many as are searched within `max_wait` at
// the present speed, kBurst times that in calm; but no fewer than a batch a
// thread (with fewer the searchers would work on batches that are not full, and
// refuse what they could have answered) and no more than `max_queue`. Pure.
struct QueueInput {
  size_t max_queue = 1;
  size_t max_batch = 1;
  int threads = 1;
  double max_wait_seconds = 0;
  // What a query takes a thread in a batch; 0 if not known yet.
  double query_seconds = 0;
  double since_refusal_seconds = 0;
};
size_t QueueLimit(const QueueInput& input);

}  // namespace taud::server

#endif  // TAUD_SERVER_SERVING_TURN_PLAN_H_
