#include "server/rpc/rpc_method.h"

#include <set>
#include <string>

#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "taud/v1/catalog_service.pb.h"
#include "taud/v1/ingestion_service.pb.h"
#include "taud/v1/model_service.pb.h"
#include "taud/v1/recommendation_service.pb.h"

namespace taud::server {
namespace {

// What the protos have and the table has not would be a call without a role.
TEST(RpcMethodTest, TheTableHasEveryCallOfTheApi) {
  std::set<std::string> declared;
  for (const google::protobuf::FileDescriptor* file :
       {v1::GetItemRequest::descriptor()->file(),
        v1::IngestRequest::descriptor()->file(),
        v1::GetStatusRequest::descriptor()->file(),
        v1::RecommendRequest::descriptor()->file()}) {
    for (int s = 0; s < file->service_count(); ++s) {
      for (int m = 0; m < file->service(s)->method_count(); ++m) {
        const std::string name = file->service(s)->method(m)->name();
        EXPECT_TRUE(declared.insert(name).second) << name;
      }
    }
  }
  std::set<std::string> listed;
  for (const RpcMethodInfo& info : kRpcMethods) listed.insert(info.name);
  EXPECT_EQ(listed, declared);
  EXPECT_EQ(listed.size(), kNumRpcMethods);
}

TEST(RpcMethodTest, WhatChangesOrErasesNeedsARoleOfItsOwn) {
  EXPECT_EQ(RoleOf(RpcMethod::kRecommend), auth::Role::kRecommend);
  EXPECT_EQ(RoleOf(RpcMethod::kIngest), auth::Role::kIngest);
  EXPECT_EQ(RoleOf(RpcMethod::kUpsertItems), auth::Role::kCatalog);
  EXPECT_EQ(RoleOf(RpcMethod::kEraseUser), auth::Role::kErase);
  EXPECT_EQ(RoleOf(RpcMethod::kDeleteItems), auth::Role::kErase);
  EXPECT_EQ(RoleOf(RpcMethod::kRollback), auth::Role::kOperate);
  EXPECT_EQ(RoleOf(RpcMethod::kBackup), auth::Role::kOperate);
  EXPECT_EQ(RoleOf(RpcMethod::kGetStatus), auth::Role::kObserve);
}

TEST(RpcMethodTest, WhatChangesForGoodIsOnDiskBeforeItIsAnswered) {
  for (size_t m = 0; m < kNumRpcMethods; ++m) {
    const auto method = static_cast<RpcMethod>(m);
    const auth::Role role = RoleOf(method);
    const bool asks =
        role == auth::Role::kRecommend || role == auth::Role::kObserve ||
        method == RpcMethod::kIngest || method == RpcMethod::kWriteInteractions;
    const bool for_good = role == auth::Role::kOperate ||
                          method == RpcMethod::kEraseUser ||
                          method == RpcMethod::kDeleteItems;
    EXPECT_EQ(RecordingOf(method), asks       ? Recording::kSampled
                                   : for_good ? Recording::kSynced
                                              : Recording::kRecorded)
        << RpcMethodName(method);
  }
}

}  // namespace
}  // namespace taud::server
