#ifndef TAUD_SERVER_QUALITY_SERVABLE_H_
#define TAUD_SERVER_QUALITY_SERVABLE_H_

#include "absl/status/status.h"
#include "model/snapshot.h"

namespace taud::server {

// Whether `candidate` can serve at all after `serving` (null: nothing serves):
// what no force overrides. OK, or why not: FAILED_PRECONDITION naming the check
// and the value.
//  - model::ValidateSnapshot: sizes, finite values, unit norms;
//  - at least one user and one item were trained, if any were in the serving
//    one: while there is too little to learn from, what is popular is served;
//  - the dimension is the configured one;
//  - it was trained through no less of the log than the serving one.
// How good it is, is server/quality/gate.h's. Pure; reads both snapshots whole.
absl::Status CheckServable(const model::Snapshot& candidate,
                           const model::Snapshot* serving, size_t dim);

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_SERVABLE_H_
