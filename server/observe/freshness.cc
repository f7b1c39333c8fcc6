#include "server/observe/freshness.h"

#include <algorithm>

namespace taud::server {

void Freshness::Acknowledged(uint64_t interactions, uint64_t last_sequence,
                             absl::Time now) {
  if (interactions == 0) return;
  absl::MutexLock lock(&mutex_);
  if (marks_.size() >= kMaxMarks) Thin();
  marks_.push_back({last_sequence, interactions, now});
  // A snapshot was quicker than the acknowledgement.
  if (last_sequence <= reached_) Observe(now);
}

void Freshness::Reached(uint64_t through, absl::Time now) {
  absl::MutexLock lock(&mutex_);
  // Going back reaches nothing.
  if (through <= reached_) return;
  reached_ = through;
  Observe(now);
}

// All marks through reached_, which are forgotten then.
void Freshness::Observe(absl::Time now) {
  std::vector<double> buckets(bounds_.size() + 1, 0);
  double sum = 0;
  bool any = false;
  while (!marks_.empty() && marks_.front().last_sequence <= reached_) {
    const Mark& mark = marks_.front();
    const double seconds = std::max(0.0, absl::ToDoubleSeconds(now - mark.at));
    const auto count = static_cast<double>(mark.interactions);
    const auto bucket =
        std::lower_bound(bounds_.begin(), bounds_.end(), seconds);
    buckets[static_cast<size_t>(bucket - bounds_.begin())] += count;
    sum += count * seconds;
    any = true;
    marks_.pop_front();
  }
  if (any) seconds_->ObserveMultiple(buckets, sum);
}

void Freshness::Thin() {
  std::deque<Mark> half;
  for (size_t n = 0; n + 1 < marks_.size(); n += 2) {
    half.push_back({marks_[n + 1].last_sequence,
                    marks_[n].interactions + marks_[n + 1].interactions,
                    marks_[n].at});
  }
  if (marks_.size() % 2 == 1) half.push_back(marks_.back());
  marks_.swap(half);
}

}  // namespace taud::server
