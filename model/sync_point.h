#ifndef TAUD_MODEL_SYNC_POINT_H_
#define TAUD_MODEL_SYNC_POINT_H_

// Named places at which a test can make something happen: kill the process,
// throw std::bad_alloc. They exist only in the files that the binary
// `taud_faults` compiles anew with TAUD_FAULTS; anywhere else they are nothing.

#ifdef TAUD_FAULTS

namespace taud::model {

// Does what the environment variable TAUD_FAULT says about `name`; see
// tests/fault/sync_point.cc. Any thread.
void ReachSyncPoint(const char* name);
// Whether it says "inject" for `name` now.
bool SyncPointInjects(const char* name);

}  // namespace taud::model

#define TAUD_SYNC_POINT(name) ::taud::model::ReachSyncPoint(name)
#define TAUD_SYNC_POINT_INJECTS(name) ::taud::model::SyncPointInjects(name)

#else

#define TAUD_SYNC_POINT(name) \
  do {                        \
  } while (false)
#define TAUD_SYNC_POINT_INJECTS(name) false

#endif  // TAUD_FAULTS

#endif  // TAUD_MODEL_SYNC_POINT_H_
