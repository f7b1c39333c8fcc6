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

}  // namespace taud::server
