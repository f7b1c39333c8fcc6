#include "lab/search_limit.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "index/faiss_flat_search.h"
#include "index/vector_instructions.h"

namespace taud::lab {
namespace {

// Searches until `until`; returns the queries answered.
size_t SearchUntil(const index::FaissFlatSearch& faiss,
                   const model::Matrix& users, size_t k, size_t batch,
                   size_t first, absl::Time until,
                   std::vector<double>* milliseconds) {
  index::UseOneBlasThread();
  std::vector<float> scores(batch * k);
  std::vector<int64_t> rows(batch * k);
  size_t done = 0;
  size_t at = first % (users.rows - batch + 1);
  absl::Time start = absl::Now();
  while (start < until) {
    faiss.Search(users.Row(at), batch, k, scores.data(), rows.data());
    const absl::Time end = absl::Now();
    if (milliseconds != nullptr) {
      milliseconds->push_back(absl::ToDoubleMilliseconds(end - start));
    }
    start = end;
    done += batch;
    at = (at + batch) % (users.rows - batch + 1);
  }
  return done;
}

}  // namespace

void RestartWithVectorInstructions(char** argv) {
  index::RestartWithVectorInstructions(argv);
}

absl::StatusOr<SearchLimit> MeasureSearchLimit(const model::Snapshot& snapshot,
                                               size_t k, size_t batch,
                                               int threads, double seconds) {
  if (snapshot.users.rows < batch || batch == 0) {
    return absl::InvalidArgumentError("fewer users than queries in a batch");
  }
  const index::FaissFlatSearch faiss(snapshot.items);
  SearchLimit limit;
  std::vector<double> lone;
  SearchUntil(faiss, snapshot.users, k, 1, 0,
              absl::Now() + absl::Seconds(seconds), &lone);
  std::sort(lone.begin(), lone.end());
  limit.lone_p50_ms = lone[lone.size() / 2];

  std::atomic<size_t> done{0};
  std::vector<std::thread> searchers;
  const absl::Time start = absl::Now();
  for (int t = 0; t < threads; ++t) {
    searchers.emplace_back([&, t] {
      done += SearchUntil(faiss, snapshot.users, k, batch,
                          static_cast<size_t>(t) * 97,
                          start + absl::Seconds(seconds), nullptr);
    });
  }
  for (std::thread& searcher : searchers) searcher.join();
  limit.queries_per_second =
      static_cast<double>(done) / absl::ToDoubleSeconds(absl::Now() - start);
  return limit;
}

}  // namespace taud::lab
