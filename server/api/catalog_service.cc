#include "server/api/catalog_service.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/api/call.h"
#include "server/api/item_listing.h"
#include "server/api/properties.h"
#include "server/api/validation.h"
#include "server/rpc/errors.h"
#include "server/serving/recommender.h"

namespace taud::server {

// The answers for a list of items, each from the store's writer thread, in the
// order of the list; the last one answers the call.
struct Deletion {
  UnaryCall* call = nullptr;
  std::vector<std::string> ids;
  v1::DeleteItemsResponse response;
  size_t next = 0;
};

namespace {

constexpr int32_t kDefaultHistory = 50;
constexpr int32_t kMaxHistoryListed = 1000;
constexpr size_t kMaxDeleted = 1000;

absl::StatusOr<v1::GetItemResponse> DescribeItem(const DaemonContext& context,
                                                 const std::string& id) {
  absl::Status status = CheckId("id", id);
  if (!status.ok()) return status;
  const model::State& state = *context.state;
  const auto index = state.items.Find(id);
  if (!index.has_value()) {
    return absl::NotFoundError(
        absl::StrCat("id: item \"", id, "\" is unknown"));
  }
  v1::GetItemResponse response;
  FillItem(id, state.catalogue.Get(*index), response.mutable_item());
  response.set_interactions(state.interactions.ItemCount(*index));
  if (const auto model = context.slot->Get()) {
    const std::vector<uint32_t>& popularity = model->snapshot->item_popularity;
    response.set_trained(*index < popularity.size() && popularity[*index] > 0);
  }
  return response;
}

absl::StatusOr<v1::GetUserResponse> DescribeUser(
    const DaemonContext& context, const v1::GetUserRequest& request) {
  absl::Status status = CheckId("id", request.id());
  if (!status.ok()) return status;
  if (request.limit() < 0 || request.limit() > kMaxHistoryListed) {
    return FieldError("limit",
                      absl::StrCat(request.limit(), " is not allowed; 0 to ",
                                   kMaxHistoryListed));
  }
  const model::State& state = *context.state;
  const auto user = state.users.Find(request.id());
  if (!user.has_value()) {
    return absl::NotFoundError(
        absl::StrCat("id: user \"", request.id(), "\" is unknown"));
  }
  v1::GetUserResponse response;
  response.set_id(request.id());
  std::vector<model::HistoryEntry> history;
  const int32_t limit =
      request.limit() == 0 ? kDefaultHistory : request.limit();
  state.interactions.CopyHistory(*user, static_cast<size_t>(limit), &history);
  const model::Dictionary::NamesLock names(state.items);
  for (const model::HistoryEntry& entry : history) {
    const std::string_view item_id = state.items.Name(entry.item);
    if (item_id.empty()) continue;  // erased this moment
    v1::HistoryItem* item = response.add_history();
    item->set_item_id(std::string(item_id));
    item->set_kind(static_cast<v1::InteractionKind>(entry.kind));
    item->set_weight(entry.weight);
    item->set_time_ms(entry.time_ms);
    item->set_sequence(entry.sequence);
    item->set_title(state.catalogue.Title(entry.item));
  }
  FillProperties(state.user_properties.Get(*user),
                 response.mutable_properties());
  std::vector<model::ItemIndex> seen;
  state.interactions.CopySeen(*user, &seen);
  response.set_seen(seen.size());
  if (const auto model = context.slot->Get()) {
    const std::vector<float>& temperatures = model->snapshot->temperatures;
    if (*user < temperatures.size()) {
      response.set_temperature(temperatures[*user]);
    }
    response.set_representation(RepresentationOf(*model, state, user));
  }
  return response;
}

constexpr const char* kCopyNames[store::kNumErasedCopies] = {
    "memory", "log", "serving", "snapshots", "checkpoints"};

v1::Erasure ReportErasure(const store::Erasure& erasure) {
  const store::ErasureRecord& record = erasure.record;
  v1::Erasure report;
  report.set_erasure_id(erasure.id);
  report.set_subject(record.subject == store::ErasureSubject::kUser ? "user"
                                                                    : "item");
  report.set_requested_ms(record.requested_ms);
  report.set_sequence(record.sequence);
  report.set_interactions(record.interactions);
  report.set_complete(record.complete());
  for (size_t c = 0; c < store::kNumErasedCopies; ++c) {
    v1::ErasedCopy* copy = report.add_copies();
    copy->set_copy(kCopyNames[c]);
    copy->set_gone_ms(record.gone_ms[c]);
  }
  report.set_serving_version(record.serving_version);
  return report;
}

absl::StatusOr<std::vector<std::string>> CheckIds(
    const v1::DeleteItemsRequest& request) {
  const auto count = static_cast<size_t>(request.ids_size());
  if (count < 1 || count > kMaxDeleted) {
    return FieldError(
        "ids",
        absl::StrCat("has ", count, " entries; allowed: 1 to ", kMaxDeleted));
  }
  std::vector<std::string> ids;
  absl::flat_hash_set<std::string> distinct;
  for (size_t i = 0; i < count; ++i) {
    const std::string& id = request.ids(static_cast<int>(i));
    const std::string field = absl::StrCat("ids[", i, "]");
    absl::Status status = CheckId(field, id);
    if (!status.ok()) return status;
    if (!distinct.insert(id).second) {
      return FieldError(field, "is there twice");
    }
    ids.push_back(id);
  }
  return ids;
}

absl::Status CheckBatchSize(absl::string_view field, size_t count) {
  if (count >= 1 && count <= kMaxBatch) return absl::OkStatus();
  return FieldError(field, absl::StrCat("has ", count,
                                        " entries; allowed: 1 to ", kMaxBatch));
}

absl::StatusOr<std::vector<store::NewItem>> CheckItems(
    const v1::UpsertItemsRequest& request) {
  const auto count = static_cast<size_t>(request.items_size());
  absl::Status status = CheckBatchSize("items", count);
  if (!status.ok()) return status;
  const auto mask = CheckItemMask(request.update_mask());
  if (!mask.ok()) return mask.status();
  std::vector<store::NewItem> items;
  items.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    auto item = CheckItem(request.items(static_cast<int>(i)), *mask);
    if (!item.ok()) {
      return PrefixField(absl::StrCat("items[", i, "]"), item.status());
    }
    items.push_back(*std::move(item));
  }
  return items;
}

absl::StatusOr<std::vector<store::NewUser>> CheckUsers(
    const v1::UpsertUsersRequest& request) {
  const auto count = static_cast<size_t>(request.users_size());
  absl::Status status = CheckBatchSize("users", count);
  if (!status.ok()) return status;
  const auto mask = CheckUserMask(request.update_mask());
  if (!mask.ok()) return mask.status();
  std::vector<store::NewUser> users;
  users.reserve(count);
  for (size_t u = 0; u < count; ++u) {
    auto user = CheckUser(request.users(static_cast<int>(u)), *mask);
    if (!user.ok()) {
      return PrefixField(absl::StrCat("users[", u, "]"), user.status());
    }
    users.push_back(*std::move(user));
  }
  return users;
}

}  // namespace

grpc::ServerUnaryReactor* CatalogServiceImpl::EraseUser(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kEraseUser, rpc, buffer);
  HandleRecorded<v1::EraseUserRequest>(
      call, *bytes, [this, call](const v1::EraseUserRequest& request) {
        absl::Status status = CheckId("id", request.id());
        if (status.ok() && !request.erasure_id().empty()) {
          status = CheckId("erasure_id", request.erasure_id());
        }
        if (status.ok()) {
          status = context_->store->Erase(
              store::ErasureSubject::kUser, request.id(), request.erasure_id(),
              [this, call](absl::StatusOr<store::Erasure> erasure) {
                if (erasure.ok()) context_->upkeep->Notify();
                Guard(call, [&] {
                  if (!erasure.ok()) return call->Fail(erasure.status());
                  v1::EraseUserResponse response;
                  *response.mutable_erasure() = ReportErasure(*erasure);
                  call->Reply(response);
                });
              });
        }
        if (!status.ok()) call->Fail(std::move(status));
      });
  return call;
}

void CatalogServiceImpl::DeleteNext(std::shared_ptr<Deletion> deletion) {
  if (deletion->next == deletion->ids.size()) {
    context_->upkeep->Notify();
    return deletion->call->Reply(deletion->response);
  }
  const std::string& id = deletion->ids[deletion->next++];
  absl::Status status = context_->store->Erase(
      store::ErasureSubject::kItem, id, "",
      [this, deletion, id](absl::StatusOr<store::Erasure> erasure) {
        if (erasure.ok()) {
          *deletion->response.add_erasures() = ReportErasure(*erasure);
        } else if (absl::IsNotFound(erasure.status())) {
          deletion->response.add_unknown_ids(id);
        } else {
          // Those before are erased all the same; a second try finds them
          // unknown.
          context_->upkeep->Notify();
          return deletion->call->Fail(erasure.status());
        }
        DeleteNext(deletion);
      });
  if (!status.ok()) {
    context_->upkeep->Notify();
    deletion->call->Fail(std::move(status));
  }
}

grpc::ServerUnaryReactor* CatalogServiceImpl::DeleteItems(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kDeleteItems, rpc, buffer);
  HandleRecorded<v1::DeleteItemsRequest>(
      call, *bytes, [this, call](const v1::DeleteItemsRequest& request) {
        auto ids = CheckIds(request);
        if (!ids.ok()) {
          call->Fail(ids.status());
          return;
        }
        auto deletion = std::make_shared<Deletion>();
        deletion->call = call;
        deletion->ids = *std::move(ids);
        DeleteNext(std::move(deletion));
      });
  return call;
}

grpc::ServerUnaryReactor* CatalogServiceImpl::GetErasure(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kGetErasure, rpc, buffer);
  Handle(call, [&] {
    v1::GetErasureRequest request;
    if (!call->Parse(*bytes, &request)) return;
    absl::Status status = CheckId("erasure_id", request.erasure_id());
    if (!status.ok()) {
      call->Fail(std::move(status));
      return;
    }
    const auto erasure = context_->store->FindErasure(request.erasure_id());
    if (erasure.ok()) {
      call->Reply(ReportErasure(*erasure));
    } else {
      call->Fail(erasure.status());
    }
  });
  return call;
}

absl::Status CatalogServiceImpl::CheckRoom(size_t bytes) const {
  const model::State& state = *context_->state;
  const uint64_t used = state.catalogue.bytes() + state.user_properties.bytes();
  if (used + bytes <= context_->max_catalogue_bytes) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the catalogue is full: titles, tags and properties take ", used,
      " bytes of ", context_->max_catalogue_bytes,
      " (store.max_catalogue_mib); delete items, shorten them, or raise the "
      "limit"));
}

grpc::ServerUnaryReactor* CatalogServiceImpl::UpsertItems(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kUpsertItems, rpc, buffer);
  Handle(call, [&] {
    v1::UpsertItemsRequest request;
    if (!call->Parse(*bytes, &request)) return;
    absl::Status status = CheckRoom(bytes->Length());
    auto items = status.ok() ? CheckItems(request) : status;
    if (!items.ok()) return call->Fail(items.status());
    const size_t count = items->size();
    status = context_->store->UpsertItems(
        *std::move(items), [call, count](absl::Status written) {
          if (!written.ok()) return call->Fail(std::move(written));
          v1::UpsertItemsResponse response;
          response.set_upserted(static_cast<uint32_t>(count));
          call->Reply(response);
        });
    if (!status.ok()) call->Fail(std::move(status));
  });
  return call;
}

grpc::ServerUnaryReactor* CatalogServiceImpl::UpsertUsers(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kUpsertUsers, rpc, buffer);
  Handle(call, [&] {
    v1::UpsertUsersRequest request;
    if (!call->Parse(*bytes, &request)) return;
    absl::Status status = CheckRoom(bytes->Length());
    auto users = status.ok() ? CheckUsers(request) : status;
    if (!users.ok()) return call->Fail(users.status());
    const size_t count = users->size();
    status = context_->store->UpsertUsers(
        *std::move(users), [call, count](absl::Status written) {
          if (!written.ok()) return call->Fail(std::move(written));
          v1::UpsertUsersResponse response;
          response.set_upserted(static_cast<uint32_t>(count));
          call->Reply(response);
        });
    if (!status.ok()) call->Fail(std::move(status));
  });
  return call;
}

grpc::ServerUnaryReactor* CatalogServiceImpl::ListItems(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kListItems, rpc, buffer);
  Handle(call, [&] {
    v1::ListItemsRequest request;
    if (!call->Parse(*bytes, &request)) return;
    auto response = server::ListItems(*context_->state, request);
    if (!response.ok()) return call->Fail(response.status());
    call->Reply(*response);
  });
  return call;
}

grpc::ServerUnaryReactor* CatalogServiceImpl::GetItem(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kGetItem, rpc, buffer);
  Handle(call, [&] {
    v1::GetItemRequest request;
    if (!call->Parse(*bytes, &request)) return;
    auto response = DescribeItem(*context_, request.id());
    if (response.ok()) {
      call->Reply(*response);
    } else {
      call->Fail(response.status());
    }
  });
  return call;
}

grpc::ServerUnaryReactor* CatalogServiceImpl::GetUser(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kGetUser, rpc, buffer);
  Handle(call, [&] {
    v1::GetUserRequest request;
    if (!call->Parse(*bytes, &request)) return;
    auto response = DescribeUser(*context_, request);
    if (response.ok()) {
      call->Reply(*response);
    } else {
      call->Fail(response.status());
    }
  });
  return call;
}

}  // namespace taud::server
