#ifndef TAUD_SERVER_RPC_RPC_METHOD_H_
#define TAUD_SERVER_RPC_RPC_METHOD_H_

#include <cstddef>

#include "auth/role.h"

namespace taud::server {

// The calls of the API, for logs, metrics and what callers may do.
enum class RpcMethod {
  kRecommend,
  kRecommendBatch,
  kSimilarItems,
  kIngest,
  kWriteInteractions,
  kUpsertItems,
  kGetItem,
  kGetUser,
  kGetStatus,
  kWatchStatus,
  kListSnapshots,
  kPublish,
  kEraseUser,
  kDeleteItems,
  kGetErasure,
  kRollback,
  kBackup,
  kListItems,
  kUpsertUsers,
  kRetractInteractions,
  kGetQuality,
  kListDecisions,
  kKeepSnapshot,
  kReleaseSnapshot,
  kDiffSnapshots,
  kPause,
  kResume,
};

// Which calls the audit log tells of.
enum class Recording {
  kSampled,   // the share that audit.sample_percent says
  kRecorded,  // all
  kSynced,    // all, on disk before they begin and before they are answered
};

// In the order of RpcMethod: the name of each, the one role that may call it,
// and what the audit log tells of it.
struct RpcMethodInfo {
  const char* name;
  auth::Role role;
  Recording recording = Recording::kSampled;
};
inline constexpr RpcMethodInfo kRpcMethods[] = {
    {"Recommend", auth::Role::kRecommend},
    {"RecommendBatch", auth::Role::kRecommend},
    {"SimilarItems", auth::Role::kRecommend},
    {"Ingest", auth::Role::kIngest},
    {"WriteInteractions", auth::Role::kIngest},
    {"UpsertItems", auth::Role::kCatalog, Recording::kRecorded},
    {"GetItem", auth::Role::kCatalog, Recording::kRecorded},
    {"GetUser", auth::Role::kCatalog, Recording::kRecorded},
    {"GetStatus", auth::Role::kObserve},
    {"WatchStatus", auth::Role::kObserve},
    {"ListSnapshots", auth::Role::kObserve},
    {"Publish", auth::Role::kOperate, Recording::kSynced},
    {"EraseUser", auth::Role::kErase, Recording::kSynced},
    {"DeleteItems", auth::Role::kErase, Recording::kSynced},
    {"GetErasure", auth::Role::kErase, Recording::kRecorded},
    {"Rollback", auth::Role::kOperate, Recording::kSynced},
    {"Backup", auth::Role::kOperate, Recording::kSynced},
    {"ListItems", auth::Role::kCatalog, Recording::kRecorded},
    {"UpsertUsers", auth::Role::kCatalog, Recording::kRecorded},
    {"RetractInteractions", auth::Role::kIngest, Recording::kRecorded},
    {"GetQuality", auth::Role::kObserve},
    {"ListDecisions", auth::Role::kObserve},
    {"KeepSnapshot", auth::Role::kOperate, Recording::kSynced},
    {"ReleaseSnapshot", auth::Role::kOperate, Recording::kSynced},
    {"DiffSnapshots", auth::Role::kObserve},
    {"Pause", auth::Role::kOperate, Recording::kSynced},
    {"Resume", auth::Role::kOperate, Recording::kSynced},
};
inline constexpr size_t kNumRpcMethods =
    sizeof(kRpcMethods) / sizeof(kRpcMethods[0]);
static_assert(kNumRpcMethods == static_cast<size_t>(RpcMethod::kResume) + 1);

// Calls that last as long as their client wants: how long says nothing.
inline constexpr bool IsStream(RpcMethod method) {
  return method == RpcMethod::kIngest || method == RpcMethod::kWatchStatus;
}

inline const char* RpcMethodName(RpcMethod method) {
  return kRpcMethods[static_cast<size_t>(method)].name;
}

inline auth::Role RoleOf(RpcMethod method) {
  return kRpcMethods[static_cast<size_t>(method)].role;
}

inline Recording RecordingOf(RpcMethod method) {
  return kRpcMethods[static_cast<size_t>(method)].recording;
}

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_RPC_METHOD_H_
