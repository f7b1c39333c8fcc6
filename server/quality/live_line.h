#ifndef TAUD_SERVER_QUALITY_LIVE_LINE_H_
#define TAUD_SERVER_QUALITY_LIVE_LINE_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "server/quality/evaluation.h"

namespace taud::server {

enum class LiveVerdict {
  kUndecided,
  // It has proven itself: the serving version may be what the next ones are
  // compared with.
  kGood,
  // So many fewer hits than the reference has on the same events that this is
  // no chance.
  kFallen,
};

// The versions that have served since the reference was chosen, and what each
// of them hit beside it: has live quality fallen?
//
// A version may serve for a second, and have ten events of its own. So the line
// is judged from its end: the newest version, the newest two, and so on. What
// good versions hit before a bad one came does not hide it, and a good one that
// follows a bad one is not blamed while its own newest events speak for it.
//
// Example: 450 events of good versions with 100 hits where the reference has
// 102, then 50 events of a bad one with 1 hit where the reference has 30. All
// together are 101 of 132; the newest version alone has fallen.
//
// Not thread-safe.
class LiveLine {
 public:
  // Another reference, or none: the line begins anew.
  void Restart();
  // The next version serves.
  void Begin();
  void Add(const EvaluatedEvent& event);

  // `evidence`, if not null, is set when it has fallen: the hits that say so.
  LiveVerdict Judge(PairedHits* evidence = nullptr) const;

 private:
  // The newest versions' hits, of as few of them as have kNewest events.
  PairedHits Newest() const;

  std::deque<PairedHits> versions_;  // oldest first, the serving one last
};

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_LIVE_LINE_H_
