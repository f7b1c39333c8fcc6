#include "server/audit/audit_subject.h"

#include "absl/strings/str_cat.h"
#include "taud/v1/catalog_service.pb.h"
#include "taud/v1/ingestion_service.pb.h"
#include "taud/v1/model_service.pb.h"
#include "taud/v1/recommendation_service.pb.h"

namespace taud::server {
namespace {

// Longer ones are refused by the API, and need not be told whole.
constexpr size_t kMaxTextBytes = 1024;

std::string Cut(const std::string& text) {
  return text.substr(0, kMaxTextBytes);
}

void Other(const char* key, const std::string& text, AuditSubject* subject) {
  if (!text.empty()) subject->other.emplace_back(key, Cut(text));
}

void Number(const char* key, uint64_t number, AuditSubject* subject) {
  if (number != 0) subject->other.emplace_back(key, absl::StrCat(number));
}

void Fill(const v1::EraseUserRequest& request, AuditSubject* subject) {
  subject->AddUser(request.id());
  Other("erasure_id", request.erasure_id(), subject);
}
void Fill(const v1::DeleteItemsRequest& request, AuditSubject* subject) {
  for (const std::string& id : request.ids()) subject->AddItem(id);
}
void Fill(const v1::GetErasureRequest& request, AuditSubject* subject) {
  Other("erasure_id", request.erasure_id(), subject);
}
void Fill(const v1::UpsertItemsRequest& request, AuditSubject* subject) {
  for (const v1::Item& item : request.items()) subject->AddItem(item.id());
}
void Fill(const v1::UpsertUsersRequest& request, AuditSubject* subject) {
  for (const v1::User& user : request.users()) subject->AddUser(user.id());
}
void Fill(const v1::GetItemRequest& request, AuditSubject* subject) {
  subject->AddItem(request.id());
}
void Fill(const v1::GetUserRequest& request, AuditSubject* subject) {
  subject->AddUser(request.id());
}
void Fill(const v1::ListItemsRequest& request, AuditSubject* subject) {
  Other("id_prefix", request.id_prefix(), subject);
  Other("title", request.title(), subject);
  Other("tag", request.tag(), subject);
  Other("expression", request.expression(), subject);
}

void Fill(const v1::PublishRequest& request, AuditSubject* subject) {
  if (request.force()) Other("force", "true", subject);
}
void Fill(const v1::RollbackRequest& request, AuditSubject* subject) {
  Number("version", request.version(), subject);
}
void Fill(const v1::BackupRequest& request, AuditSubject* subject) {
  Other("directory", request.directory(), subject);
}
void Fill(const v1::KeepSnapshotRequest& request, AuditSubject* subject) {
  Number("version", request.version(), subject);
  Other("name", request.name(), subject);
}
void Fill(const v1::ReleaseSnapshotRequest& request, AuditSubject* subject) {
  Number("version", request.version(), subject);
  Other("name", request.name(), subject);
}
void Fill(const v1::DiffSnapshotsRequest& request, AuditSubject* subject) {
  Number("from", request.from(), subject);
  Number("to", request.to(), subject);
}

void Fill(const v1::RetractInteractionsRequest& request,
          AuditSubject* subject) {
  for (const v1::Retraction& one : request.retractions()) {
    if (one.has_pair()) subject->AddUser(one.pair().user_id());
    if (one.has_pair()) subject->AddItem(one.pair().item_id());
    if (subject->other.size() == AuditSubject::kMostIds) continue;
    Number("sequence", one.sequence(), subject);
    Other("event_id", one.event_id(), subject);
  }
}
void Fill(const v1::WriteInteractionsRequest& request, AuditSubject* subject) {
  for (const v1::Interaction& one : request.interactions()) {
    subject->AddUser(one.user_id());
    subject->AddItem(one.item_id());
  }
}
void Fill(const v1::RecommendRequest& request, AuditSubject* subject) {
  if (!request.user_id().empty()) subject->AddUser(request.user_id());
  for (const std::string& id : request.context_item_ids()) {
    subject->AddItem(id);
  }
}
void Fill(const v1::RecommendBatchRequest& request, AuditSubject* subject) {
  for (const std::string& id : request.user_ids()) subject->AddUser(id);
}
void Fill(const v1::SimilarItemsRequest& request, AuditSubject* subject) {
  subject->AddItem(request.item_id());
}

// Fills in what a request of this type names; false if it is of another.
template <typename Request>
bool FillIf(const google::protobuf::Message& request, AuditSubject* subject) {
  if (request.GetDescriptor() != Request::descriptor()) return false;
  Fill(static_cast<const Request&>(request), subject);
  return true;
}

template <typename... Requests>
void FillFirst(const google::protobuf::Message& request,
               AuditSubject* subject) {
  (FillIf<Requests>(request, subject) || ...);
}

}  // namespace

void AuditSubject::AddUser(const std::string& id) {
  if (++num_users <= kMostIds) users.push_back(Cut(id));
}

void AuditSubject::AddItem(const std::string& id) {
  if (++num_items <= kMostIds) items.push_back(Cut(id));
}

size_t AuditSubject::bytes() const {
  size_t sum = 0;
  for (const std::string& id : users) sum += sizeof(id) + id.size();
  for (const std::string& id : items) sum += sizeof(id) + id.size();
  for (const auto& [key, value] : other) {
    sum += 2 * sizeof(key) + key.size() + value.size();
  }
  return sum;
}

AuditSubject SubjectOf(const google::protobuf::Message& request) {
  AuditSubject subject;
  // The others name nothing.
  FillFirst<v1::EraseUserRequest, v1::DeleteItemsRequest, v1::GetErasureRequest,
            v1::UpsertItemsRequest, v1::UpsertUsersRequest, v1::GetItemRequest,
            v1::GetUserRequest, v1::ListItemsRequest, v1::PublishRequest,
            v1::RollbackRequest, v1::BackupRequest, v1::KeepSnapshotRequest,
            v1::ReleaseSnapshotRequest, v1::DiffSnapshotsRequest,
            v1::RetractInteractionsRequest, v1::WriteInteractionsRequest,
            v1::RecommendRequest, v1::RecommendBatchRequest,
            v1::SimilarItemsRequest>(request, &subject);
  return subject;
}

}  // namespace taud::server
