#include "cli/client/event_batch.h"

#include <utility>

#include "absl/strings/match.h"

namespace taud::cli {
namespace {

// The interactions from `begin` to `end`, which are moved out of *batch.
std::shared_ptr<EventBatch> Part(EventBatch* batch, int begin, int end) {
  auto part = std::make_shared<EventBatch>();
  for (int i = begin; i < end; ++i) {
    *part->request.add_interactions() =
        std::move(*batch->request.mutable_interactions(i));
  }
  part->places.assign(batch->places.begin() + begin,
                      batch->places.begin() + end);
  part->request.set_stream_id(batch->request.stream_id());
  part->request.set_batch_id(batch->request.stream_id().empty()
                                 ? batch->request.batch_id()
                                 : part->places.back().position);
  return part;
}

}  // namespace

bool IsTooLarge(const grpc::Status& status) {
  const bool code =
      status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED ||
      status.error_code() == grpc::StatusCode::INVALID_ARGUMENT;
  if (!code) return false;
  const std::string& text = status.error_message();
  return absl::StrContains(text, "larger than") ||
         absl::StrContains(text, "too large") ||
         absl::StrContains(text, "max_message_bytes");
}

bool SplitLarge(size_t max_bytes,
                std::deque<std::shared_ptr<EventBatch>>* batches) {
  std::deque<std::shared_ptr<EventBatch>> todo = std::move(*batches);
  batches->clear();
  bool split = false;
  while (!todo.empty()) {
    std::shared_ptr<EventBatch> batch = std::move(todo.front());
    todo.pop_front();
    const int size = batch->request.interactions_size();
    if (size < 2 || batch->request.ByteSizeLong() <= max_bytes) {
      batches->push_back(std::move(batch));
      continue;
    }
    split = true;
    auto first = Part(batch.get(), 0, size / 2);
    todo.push_front(Part(batch.get(), size / 2, size));
    todo.push_front(std::move(first));
  }
  return split;
}

}  // namespace taud::cli
