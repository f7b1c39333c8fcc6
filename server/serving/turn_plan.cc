#include "server/serving/turn_plan.h"

#include <algorithm>

namespace taud::server {

Turn PlanTurn(const TurnInput& input) {
  const double may_wait = input.max_delay_seconds - input.oldest_wait_seconds;
  const bool gathers = input.online_waiting > 0 &&
                       input.online_waiting < input.max_batch && may_wait > 0 &&
                       !input.stopping;
  const bool online_due = input.online_waiting > 0 && !gathers;
  const bool bulk_due =
      input.bulk_waiting > 0 &&
      (!online_due || input.online_turns >= kOnlineTurnsPerBulkTurn);
  // Not while online queries wait that had no turn since.
  if (input.costly_waiting > 0 && (!online_due || !input.last_was_costly) &&
      !(bulk_due && input.last_was_costly)) {
    return {Lane::kCostly, std::min(input.costly_waiting, input.max_batch)};
  }
  if (bulk_due) {
    return {Lane::kBulk, std::min(input.bulk_waiting, input.max_batch)};
  }
  if (online_due) {
    return {Lane::kOnline, std::min(input.online_waiting, input.max_batch)};
  }
  return {Lane::kNone, 0, gathers ? may_wait : 0};
}

size_t QueueLimit(const QueueInput& input) {
  if (input.query_seconds <= 0) return input.max_queue;
  const auto threads = static_cast<size_t>(input.threads);
  const bool calm = input.since_refusal_seconds >= kCalmSeconds;
  const double seconds = input.max_wait_seconds * (calm ? kBurst : 1);
  const double in_time =
      seconds * static_cast<double>(threads) / input.query_seconds;
  if (in_time >= static_cast<double>(input.max_queue)) return input.max_queue;
  const size_t efficient = input.max_batch * threads;
  return std::min(input.max_queue,
                  std::max(efficient, static_cast<size_t>(in_time)));
}

}  // namespace taud::server
