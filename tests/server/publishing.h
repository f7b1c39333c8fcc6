#ifndef TAUD_TESTS_SERVER_PUBLISHING_H_
#define TAUD_TESTS_SERVER_PUBLISHING_H_

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "server/lifecycle/publisher.h"
#include "tests/server/test_world.h"

namespace taud::server {

// Waits for what was handed to the publisher. Twice: what was offered is
// processed behind the tasks of its turn.
inline void Settle(Publisher* publisher) {
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(publisher->RunQuietly([] { return absl::OkStatus(); }).ok());
  }
}

// Publishes as the call of that name does, and waits for the outcome.
inline absl::StatusOr<Published> PublishAndSettle(
    Publisher* publisher, std::unique_ptr<model::Snapshot> snapshot,
    bool force = false) {
  absl::StatusOr<Published> outcome = absl::UnknownError("");
  EXPECT_TRUE(publisher
                  ->PublishNow(
                      [&] {
                        publisher->Offer(std::move(snapshot));
                        return absl::OkStatus();
                      },
                      [&](absl::StatusOr<Published> published) {
                        outcome = std::move(published);
                      },
                      force)
                  .ok());
  Settle(publisher);
  return outcome;
}

// A model that can serve, and should not: all users have the row of the first,
// and so are offered the same.
inline std::unique_ptr<model::Snapshot> CollapsedSnapshot(size_t users,
                                                          size_t items,
                                                          size_t dim) {
  auto snapshot = MakeSnapshot(users, items, dim);
  for (size_t u = 1; u < users; ++u) {
    std::copy_n(snapshot->users.Row(0), dim, snapshot->users.Row(u));
  }
  return snapshot;
}

}  // namespace taud::server

#endif  // TAUD_TESTS_SERVER_PUBLISHING_H_
