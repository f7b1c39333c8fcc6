#include "server/turn_plan.h"

#include <algorithm>

namespace taud::server {

Turn PlanTurn(const TurnInput& input) {
  const bool bulk_due =
      input.bulk_waiting > 0 && (input.online_waiting == 0 ||
                                 input.online_turns >= kOnlineTurnsPerBulkTurn);
  if (bulk_due) {
    return {Lane::kBulk, std::min(input.bulk_waiting, input.max_batch)};
  }
  if (input.online_waiting == 0) return {};
  return {Lane::kOnline, std::min(input.online_waiting, input.max_batch)};
}

size_t QueueLimit(const QueueInput& input) {
  if (input.query_seconds <= 0) return input.max_queue;
  const auto threads = static_cast<size_t>(input.threads);
  const double in_time = input.max_wait_seconds * static_cast<double>(threads) /
                         input.query_seconds;
  const size_t burst = 2 * input.max_batch * threads;
  if (in_time >= static_cast<double>(input.max_queue)) return input.max_queue;
  return std::min(input.max_queue,
                  std::max(burst, static_cast<size_t>(in_time)));
}

}  // namespace taud::server
