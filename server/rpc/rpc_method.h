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

// In the order of RpcMethod: the name of each and the one role that may call
// it.
struct RpcMethodInfo {
  const char* name;
  auth::Role role;
};
inline constexpr RpcMethodInfo kRpcMethods[] = {
    {"Recommend", auth::Role::kRecommend},
    {"RecommendBatch", auth::Role::kRecommend},
    {"SimilarItems", auth::Role::kRecommend},
    {"Ingest", auth::Role::kIngest},
    {"WriteInteractions", auth::Role::kIngest},
    {"UpsertItems", auth::Role::kCatalog},
    {"GetItem", auth::Role::kCatalog},
    {"GetUser", auth::Role::kCatalog},
    {"GetStatus", auth::Role::kObserve},
    {"WatchStatus", auth::Role::kObserve},
    {"ListSnapshots", auth::Role::kObserve},
    {"Publish", auth::Role::kOperate},
    {"EraseUser", auth::Role::kErase},
    {"DeleteItems", auth::Role::kErase},
    {"GetErasure", auth::Role::kErase},
    {"Rollback", auth::Role::kOperate},
    {"Backup", auth::Role::kOperate},
    {"ListItems", auth::Role::kCatalog},
    {"UpsertUsers", auth::Role::kCatalog},
    {"RetractInteractions", auth::Role::kIngest},
    {"GetQuality", auth::Role::kObserve},
    {"ListDecisions", auth::Role::kObserve},
    {"KeepSnapshot", auth::Role::kOperate},
    {"ReleaseSnapshot", auth::Role::kOperate},
    {"DiffSnapshots", auth::Role::kObserve},
    {"Pause", auth::Role::kOperate},
    {"Resume", auth::Role::kOperate},
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

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_RPC_METHOD_H_
