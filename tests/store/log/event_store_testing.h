#ifndef TAUD_TESTS_STORE_LOG_EVENT_STORE_TESTING_H_
#define TAUD_TESTS_STORE_LOG_EVENT_STORE_TESTING_H_

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/state.h"
#include "store/log/event_store.h"

namespace taud::store {

// A store with the state it fills, opened and replayed.
struct OpenedStore {
  std::unique_ptr<model::State> state;  // outlives the store
  std::unique_ptr<EventStore> store;
};

inline absl::StatusOr<OpenedStore> OpenStore(
    const EventStore::Options& options) {
  OpenedStore opened;
  opened.state = std::make_unique<model::State>();
  auto store = EventStore::Open(options, opened.state.get());
  if (!store.ok()) return store.status();
  opened.store = *std::move(store);
  absl::Status status = opened.store->Replay(nullptr);
  if (!status.ok()) return status;
  return opened;
}

inline NewInteraction Event(std::string user, std::string item,
                            std::string event_id = "") {
  NewInteraction event;
  event.user_id = std::move(user);
  event.item_id = std::move(item);
  event.event_id = std::move(event_id);
  event.time_ms = 1700000000000;
  return event;
}

using AppendResult = absl::StatusOr<std::vector<Appended>>;

// Appends and waits for the answer; a refusal is the answer.
inline AppendResult AppendAndWait(EventStore* store,
                                  std::vector<NewInteraction> batch) {
  std::promise<AppendResult> promise;
  std::future<AppendResult> answer = promise.get_future();
  absl::Status status =
      store->Append(std::move(batch), [&promise](AppendResult result) {
        promise.set_value(std::move(result));
      });
  if (!status.ok()) return status;
  return answer.get();
}

inline absl::Status UpsertAndWait(EventStore* store,
                                  std::vector<NewItem> batch) {
  std::promise<absl::Status> promise;
  std::future<absl::Status> answer = promise.get_future();
  absl::Status status = store->UpsertItems(
      std::move(batch), [&promise](absl::Status s) { promise.set_value(s); });
  if (!status.ok()) return status;
  return answer.get();
}

}  // namespace taud::store

#endif  // TAUD_TESTS_STORE_LOG_EVENT_STORE_TESTING_H_
