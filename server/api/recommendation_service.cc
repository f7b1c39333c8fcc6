#include "server/api/recommendation_service.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "model/steady_clock.h"
#include "server/admission/request_memory.h"
#include "server/api/call.h"
#include "server/api/page_token.h"
#include "server/api/properties.h"
#include "server/api/unknown_names.h"
#include "server/api/validation.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

void FillSnapshot(const model::Snapshot& snapshot, v1::SnapshotRef* ref) {
  ref->set_version(snapshot.version);
  ref->set_trained_through(snapshot.trained_through);
  ref->set_created_ms(snapshot.created_ms);
}

// What a request wants to know of its items besides their ids.
struct Details {
  bool titles = false;
  bool properties = false;
};

template <typename Request>
Details DetailsOf(const Request& request) {
  return {request.include_titles(), request.include_properties()};
}

// REQUIRES: the names are locked.
void FillReasons(const model::State& state,
                 const std::vector<ItemReason>& reasons, Details details,
                 v1::ScoredItem* item) {
  for (const ItemReason& from : reasons) {
    const std::string_view id = state.items.Name(from.item);
    if (id.empty()) continue;
    v1::Reason* reason = item->add_reasons();
    reason->set_item_id(id.data(), id.size());
    reason->set_share(from.share);
    if (details.titles) reason->set_title(state.catalogue.Title(from.item));
  }
}

void FillItems(const model::State& state, const Recommendation& answer,
               Details details,
               google::protobuf::RepeatedPtrField<v1::ScoredItem>* items) {
  items->Reserve(static_cast<int>(answer.items.size()));
  const model::Dictionary::NamesLock names(state.items);
  for (size_t place = 0; place < answer.items.size(); ++place) {
    const RankedItem& ranked = answer.items[place];
    const std::string_view id = state.items.Name(ranked.item);
    if (id.empty()) continue;  // erased since it was ranked
    v1::ScoredItem* item = items->Add();
    if (place < answer.reasons.size()) {
      FillReasons(state, answer.reasons[place], details, item);
    }
    item->set_id(id.data(), id.size());
    item->set_score(ranked.score);
    item->set_probability(ranked.probability);
    item->set_unscored(ranked.unscored);
    item->set_by_tags(ranked.by_tags);
    item->set_rank_score(ranked.rank_score);
    item->set_explored(ranked.explored);
    if (details.titles) item->set_title(state.catalogue.Title(ranked.item));
    if (details.properties) {
      FillProperties(state.catalogue.PropertiesOf(ranked.item),
                     item->mutable_properties());
    }
  }
}

void FillResponse(const model::State& state, const model::Snapshot& snapshot,
                  const Recommendation& answer, Details details,
                  v1::RecommendResponse* response) {
  FillItems(state, answer, details, response->mutable_items());
  response->set_representation(answer.representation);
  response->set_temperature(answer.temperature);
  FillSnapshot(snapshot, response->mutable_snapshot());
}

absl::StatusOr<RecommendTask> TaskForUser(const model::State& state,
                                          const std::string& user_id, int32_t k,
                                          const v1::Filter& filter,
                                          UnknownNames* unknown) {
  absl::Status status = CheckK(k);
  if (!status.ok()) return status;
  auto checked = CheckFilter(filter, state.items, unknown);
  if (!checked.ok()) return checked.status();
  RecommendTask task;
  task.user = state.users.Find(user_id);
  task.k = static_cast<size_t>(k);
  task.filter = *std::move(checked);
  return task;
}

absl::Status CheckAfter(const DaemonContext& context, uint64_t after) {
  return CheckAfterSequence(after, context.state->interactions.last_sequence(),
                            context.phase.load() == Phase::kStarting);
}

absl::StatusOr<RecommendTask> MakeTask(const DaemonContext& context,
                                       const v1::RecommendRequest& request,
                                       UnknownNames* unknown) {
  const model::State& state = *context.state;
  if (!request.user_id().empty() || request.context_item_ids().empty()) {
    absl::Status status = CheckId("user_id", request.user_id());
    if (!status.ok()) return status;
  }
  absl::Status status = CheckAfter(context, request.after_sequence());
  if (!status.ok()) return status;
  auto items = CheckContext(request.context_item_ids(), state.items, unknown);
  if (!items.ok()) return items.status();
  auto task = TaskForUser(state, request.user_id(), request.k(),
                          request.filter(), unknown);
  if (!task.ok()) return task.status();
  task->context = *std::move(items);
  task->reasons = request.include_reasons();
  auto rules = CheckRules(request.rules(), unknown);
  if (!rules.ok()) return rules.status();
  task->rules = *std::move(rules);
  if (!request.page_token().empty()) {
    auto token = DecodePageToken(
        request.page_token(), RequestFingerprint(request), state.items.size());
    if (!token.ok()) return token.status();
    task->given = std::move(token->given);
  }
  if (task->given.size() + task->k > kMaxPagedItems) {
    return FieldError("k", absl::StrCat("all pages together may have ",
                                        kMaxPagedItems, " items"));
  }
  return task;
}

absl::StatusOr<std::vector<RecommendTask>> MakeTasks(
    const DaemonContext& context, const v1::RecommendBatchRequest& request,
    UnknownNames* unknown) {
  const model::State& state = *context.state;
  const auto users = static_cast<size_t>(request.user_ids_size());
  if (users < 1 || users > kMaxUsersPerBatch) {
    return FieldError("user_ids",
                      absl::StrCat("has ", users, " entries; allowed: 1 to ",
                                   kMaxUsersPerBatch));
  }
  absl::Status status = CheckAfter(context, request.after_sequence());
  if (!status.ok()) return status;
  auto model_task =
      TaskForUser(state, "", request.k(), request.filter(), unknown);
  if (!model_task.ok()) return model_task.status();
  auto rules = CheckRules(request.rules(), unknown);
  if (!rules.ok()) return rules.status();
  model_task->rules = *std::move(rules);
  if (users * model_task->k > kMaxResultsPerBatch) {
    return FieldError("k", absl::StrCat("k x users is ", users * model_task->k,
                                        "; at most ", kMaxResultsPerBatch));
  }
  // Not a copy for each user: lists may have thousands of ids.
  model_task->common_filter =
      std::make_shared<const ItemFilter>(std::move(model_task->filter));
  model_task->filter = ItemFilter();
  std::vector<RecommendTask> tasks(users, *model_task);
  for (size_t u = 0; u < users; ++u) {
    const std::string& id = request.user_ids(static_cast<int>(u));
    status = CheckId(absl::StrCat("user_ids[", u, "]"), id);
    if (!status.ok()) return status;
    tasks[u].user = state.users.Find(id);
  }
  return tasks;
}

absl::StatusOr<RecommendTask> MakeTask(const DaemonContext& context,
                                       const v1::SimilarItemsRequest& request,
                                       UnknownNames* unknown) {
  const model::State& state = *context.state;
  absl::Status status = CheckId("item_id", request.item_id());
  if (!status.ok()) return status;
  auto task = TaskForUser(state, "", request.k(), request.filter(), unknown);
  if (!task.ok()) return task.status();
  const auto item = state.items.Find(request.item_id());
  if (!item.has_value()) {
    return absl::NotFoundError(
        absl::StrCat("item_id: \"", request.item_id(), "\" is unknown"));
  }
  task->kind = RecommendTask::Kind::kSimilarItems;
  task->similar_to = *item;
  return task;
}

// Whether more of what the task's user has had may be in the log. Asked before
// the answer is made.
bool LacksHistory(const DaemonContext& context, const RecommendTask& task) {
  return task.user.has_value() && context.log_read_percent.load() < 100;
}

// The token of the page behind `answer`; empty if no more may be asked for.
std::string NextPage(const PageToken& before, const Recommendation& answer) {
  PageToken token = before;
  for (const RankedItem& ranked : answer.items) {
    token.given.push_back(ranked.item);
  }
  if (token.given.size() >= kMaxPagedItems) return "";
  std::sort(token.given.begin(), token.given.end());
  return EncodePageToken(token);
}

std::vector<RecommendTask> Single(RecommendTask task) {
  std::vector<RecommendTask> tasks;
  tasks.push_back(std::move(task));
  return tasks;
}

// Composes and sends the answer of a call: Reply or Fail, once.
using Respond = std::function<void(RpcCall*, const model::Snapshot&,
                                   absl::Span<const Recommendation> answers)>;

// Refuses a call before it has cost anything; false if it did.
bool Admitted(const DaemonContext& context, RpcCall* call) {
  absl::Status status = context.batcher->CheckRoom();
  if (status.ok()) return true;
  context.metrics->CountRefused(Refusal::kQueue);
  call->Fail(std::move(status));
  return false;
}

// Hands the tasks of a call to the batcher, whose thread will respond; or
// fails the call.
void Submit(const DaemonContext& context, RpcCall* call,
            std::vector<RecommendTask> tasks, Respond respond) {
  if (!context.rates->unlimited()) {
    absl::Status admitted = context.rates->Admit(
        ClientOf(call->peer()), static_cast<double>(tasks.size()),
        model::SteadyNow());
    if (!admitted.ok()) {
      context.metrics->CountRefused(Refusal::kRate);
      return call->Fail(std::move(admitted));
    }
  }
  const size_t bytes = EstimateBytes(tasks, context.state->items.size());
  RecommendJob job;
  job.tasks = std::move(tasks);
  job.deadline = call->deadline();
  job.cancelled = call->cancelled();
  job.done = {
      [call, respond = std::move(respond)](absl::StatusOr<Answered> answered) {
        if (!answered.ok()) return call->Fail(answered.status());
        Guard(call, [&] {
          respond(call, *answered->model->snapshot, answered->answers);
        });
      }};
  if (!call->Hold(bytes)) return;
  absl::Status status = context.batcher->Submit(std::move(job));
  if (status.ok()) return;
  context.metrics->CountRefused(Refusal::kQueue);
  call->Fail(std::move(status));
}

}  // namespace

void RecommendationServiceImpl::Serve(CallQueues* queues) {
  queues->Serve(
      [this](grpc::ServerContext* context, grpc::ByteBuffer* request,
             CallQueues::Writer* writer, grpc::ServerCompletionQueue* queue,
             void* tag) {
        RequestRecommend(context, request, writer, queue, queue, tag);
      },
      [this](CallQueues::Call* call) {
        QueuedCall* rpc = nullptr;
        try {
          rpc = new QueuedCall(&context_->calls, RpcMethod::kRecommend, call);
        } catch (...) {
          // Too little memory even for what would count and log the call.
          return call->Finish(grpc::ByteBuffer(),
                              grpc::Status(grpc::RESOURCE_EXHAUSTED, ""));
        }
        Handle(rpc, [&] { Recommend(rpc, call->request()); });
      });
}

void RecommendationServiceImpl::Recommend(RpcCall* call,
                                          const grpc::ByteBuffer& bytes) const {
  if (!Admitted(*context_, call)) return;
  v1::RecommendRequest request;
  if (!call->Parse(bytes, &request)) return;
  UnknownNames unknown(&context_->state->catalogue);
  auto task = MakeTask(*context_, request, &unknown);
  if (!task.ok()) return call->Fail(task.status());
  auto exploration = CheckExploration(request.exploration());
  if (!exploration.ok()) return call->Fail(exploration.status());
  task->explore = exploration->share();
  task->seed = exploration->seed();
  const bool lacks = LacksHistory(*context_, *task);
  PageToken before;
  before.given = task->given;
  before.request = RequestFingerprint(request);
  Submit(*context_, call, Single(*std::move(task)),
         [state = context_->state, details = DetailsOf(request),
          unknown = unknown.names(), before = std::move(before),
          exploration = *std::move(exploration),
          lacks](RpcCall* answered, const model::Snapshot& snapshot,
                 absl::Span<const Recommendation> answers) {
           v1::RecommendResponse response;
           FillResponse(*state, snapshot, answers[0], details, &response);
           response.set_history_incomplete(lacks);
           if (answers[0].more) {
             response.set_next_page_token(NextPage(before, answers[0]));
           }
           if (unknown.count() > 0) *response.mutable_unknown() = unknown;
           if (exploration.share() > 0) {
             *response.mutable_exploration() = exploration;
           }
           answered->Reply(response);
         });
}

grpc::ServerUnaryReactor* RecommendationServiceImpl::RecommendBatch(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kRecommendBatch, rpc, buffer);
  Handle(call, [&] { RecommendBatch(call, *bytes); });
  return call;
}

void RecommendationServiceImpl::RecommendBatch(
    RpcCall* call, const grpc::ByteBuffer& bytes) const {
  v1::RecommendBatchRequest request;
  if (!call->Parse(bytes, &request)) return;
  UnknownNames unknown(&context_->state->catalogue);
  auto tasks = MakeTasks(*context_, request, &unknown);
  if (!tasks.ok()) return call->Fail(tasks.status());
  std::vector<bool> lacks;
  for (const RecommendTask& task : *tasks) {
    lacks.push_back(LacksHistory(*context_, task));
  }
  Submit(*context_, call, *std::move(tasks),
         [state = context_->state, calls = &context_->calls,
          details = DetailsOf(request), unknown = unknown.names(),
          lacks = std::move(lacks)](RpcCall* answered,
                                    const model::Snapshot& snapshot,
                                    absl::Span<const Recommendation> answers) {
           v1::RecommendBatchResponse response;
           // Not made as a whole before it is found to be too large.
           size_t made = 0;
           for (size_t a = 0; a < answers.size(); ++a) {
             v1::RecommendResponse* one = response.add_responses();
             FillResponse(*state, snapshot, answers[a], details, one);
             one->set_history_incomplete(lacks[a]);
             made += one->ByteSizeLong();
             absl::Status fits = CheckAnswerBytes(*calls, made);
             if (!fits.ok()) return answered->Fail(std::move(fits));
           }
           if (unknown.count() > 0) *response.mutable_unknown() = unknown;
           answered->Reply(response);
         });
}

grpc::ServerUnaryReactor* RecommendationServiceImpl::SimilarItems(
    grpc::CallbackServerContext* rpc, const grpc::ByteBuffer* bytes,
    grpc::ByteBuffer* buffer) {
  auto* call =
      new UnaryCall(&context_->calls, RpcMethod::kSimilarItems, rpc, buffer);
  Handle(call, [&] { SimilarItems(call, *bytes); });
  return call;
}

void RecommendationServiceImpl::SimilarItems(
    RpcCall* call, const grpc::ByteBuffer& bytes) const {
  if (!Admitted(*context_, call)) return;
  v1::SimilarItemsRequest request;
  if (!call->Parse(bytes, &request)) return;
  UnknownNames unknown(&context_->state->catalogue);
  auto task = MakeTask(*context_, request, &unknown);
  if (!task.ok()) return call->Fail(task.status());
  Submit(*context_, call, Single(*std::move(task)),
         [state = context_->state, details = DetailsOf(request),
          unknown = unknown.names(), id = request.item_id()](
             RpcCall* answered, const model::Snapshot& snapshot,
             absl::Span<const Recommendation> answers) {
           if (answers[0].representation == v1::REPRESENTATION_UNSPECIFIED) {
             return answered->Fail(absl::FailedPreconditionError(
                 absl::StrCat("item_id: \"", id,
                              "\" has no vector in snapshot ", snapshot.version,
                              ": nothing was learnt of it. It gets one from "
                              "interactions other than dislikes, at the next "
                              "snapshot; until then ask for items like one "
                              "that has, or for popular ones with its tags by "
                              "Recommend and filter.any_tags")));
           }
           v1::SimilarItemsResponse response;
           FillItems(*state, answers[0], details, response.mutable_items());
           FillSnapshot(snapshot, response.mutable_snapshot());
           if (unknown.count() > 0) *response.mutable_unknown() = unknown;
           answered->Reply(response);
         });
}

}  // namespace taud::server
