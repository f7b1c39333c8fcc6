#ifndef TAUD_SERVER_RPC_RPC_METHOD_H_
#define TAUD_SERVER_RPC_RPC_METHOD_H_

#include <cstddef>

namespace taud::server {

// The calls of the API, for logs and metrics.
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

inline constexpr size_t kNumRpcMethods = 27;

inline constexpr const char* kRpcMethodNames[kNumRpcMethods] = {
    "Recommend",
    "RecommendBatch",
    "SimilarItems",
    "Ingest",
    "WriteInteractions",
    "UpsertItems",
    "GetItem",
    "GetUser",
    "GetStatus",
    "WatchStatus",
    "ListSnapshots",
    "Publish",
    "EraseUser",
    "DeleteItems",
    "GetErasure",
    "Rollback",
    "Backup",
    "ListItems",
    "UpsertUsers",
    "RetractInteractions",
    "GetQuality",
    "ListDecisions",
    "KeepSnapshot",
    "ReleaseSnapshot",
    "DiffSnapshots",
    "Pause",
    "Resume",
};

// Calls that last as long as their client wants: how long says nothing.
inline constexpr bool IsStream(RpcMethod method) {
  return method == RpcMethod::kIngest || method == RpcMethod::kWatchStatus;
}

inline const char* RpcMethodName(RpcMethod method) {
  return kRpcMethodNames[static_cast<size_t>(method)];
}

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_RPC_METHOD_H_
