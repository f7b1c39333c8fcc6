#ifndef TAUD_CLI_CLIENT_EVENT_BATCH_H_
#define TAUD_CLI_CLIENT_EVENT_BATCH_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "grpcpp/support/status.h"
#include "taud/v1/ingestion_service.pb.h"

namespace taud::cli {

// Interactions that travel as one message. `places` has, for each of them,
// where the input stands behind it and the line it came from.
struct EventBatch {
  struct Place {
    uint64_t position = 0;
    uint64_t line = 0;
  };
  v1::IngestRequest request;
  std::vector<Place> places;
};

// Whether a server says that a message, not what is in it, was too large.
bool IsTooLarge(const grpc::Status& status);

// Halves the batches of more than `max_bytes` until none is larger that has
// more than one interaction, all in their order; false if there was none to
// halve. A batch of a resumable stream has the position of its last interaction
// as its id.
bool SplitLarge(size_t max_bytes,
                std::deque<std::shared_ptr<EventBatch>>* batches);

}  // namespace taud::cli

#endif  // TAUD_CLI_CLIENT_EVENT_BATCH_H_
