#include "server/quality/live_line.h"

#include "server/quality/estimates.h"

namespace taud::server {
namespace {

// It is asked after every batch of events, and of each end of the line, so that
// the bound is far below one look's .05: at a thousand looks a day, once in
// years by chance.
constexpr double kSure = 1e-6;
// Of the reference's hits, so many at least.
constexpr double kLeft = .8;
// Events before a version is what others are compared with.
constexpr uint64_t kProven = 500;
// So many of the newest events must be as bad before those of earlier versions
// count against the serving one.
constexpr uint64_t kNewest = 30;
// Older versions are counted as one.
constexpr size_t kMostVersions = 64;

void AddTo(const PairedHits& more, PairedHits* sum) {
  sum->events += more.events;
  sum->both += more.both;
  sum->only_current += more.only_current;
  sum->only_reference += more.only_reference;
  sum->overlap_sum += more.overlap_sum;
}

bool IsWorse(const PairedHits& hits) {
  const auto now = static_cast<double>(hits.both + hits.only_current);
  const auto then = static_cast<double>(hits.both + hits.only_reference);
  return now < kLeft * then;
}

bool IsSurelyWorse(const PairedHits& hits) {
  return IsWorse(hits) &&
         OneSidedMcNemar(hits.only_reference, hits.only_current) < kSure;
}

}  // namespace

void LiveLine::Restart() { versions_.clear(); }

void LiveLine::Begin() {
  versions_.emplace_back();
  if (versions_.size() <= kMostVersions) return;
  AddTo(versions_[0], &versions_[1]);
  versions_.pop_front();
}

void LiveLine::Add(const EvaluatedEvent& event) {
  if (versions_.empty()) versions_.emplace_back();
  versions_.back().Add(event);
}

PairedHits LiveLine::Newest() const {
  PairedHits newest;
  for (auto version = versions_.rbegin(); version != versions_.rend();
       ++version) {
    AddTo(*version, &newest);
    if (newest.events >= kNewest) break;
  }
  return newest;
}

LiveVerdict LiveLine::Judge(PairedHits* evidence) const {
  const bool newest_worse = IsWorse(Newest());
  PairedHits sum;
  for (auto version = versions_.rbegin(); version != versions_.rend();
       ++version) {
    AddTo(*version, &sum);
    if (!newest_worse || !IsSurelyWorse(sum)) continue;
    if (evidence != nullptr) *evidence = sum;
    return LiveVerdict::kFallen;
  }
  // Not surely as good either: the reference stays.
  if (sum.events < kProven || newest_worse || IsWorse(sum)) {
    return LiveVerdict::kUndecided;
  }
  return LiveVerdict::kGood;
}

}  // namespace taud::server
