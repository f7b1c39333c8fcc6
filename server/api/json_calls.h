#ifndef TAUD_SERVER_API_JSON_CALLS_H_
#define TAUD_SERVER_API_JSON_CALLS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "server/admission/admission.h"
#include "server/admission/gatekeeper.h"
#include "server/api/http_message.h"
#include "server/api/json_routes.h"
#include "server/rpc/refusal.h"

namespace taud::server {

// Calls of the API that came over HTTP: each is made anew on a channel to the
// daemon's own gRPC server, so that limits, errors, counting and logging are
// the API's. No thread waits for an answer.
//
//   Call ──answer──▶ reply, or at once: 503 beyond the limits, or stopped
//
// Thread-safe.
class JsonCalls {
 public:
  struct Options {
    size_t max_calls = 64;  // under way, until the answer has been sent
    // Of them, of routes that are.
    size_t max_long = 4;
    size_t max_streams = 8;
    size_t max_answer_bytes = size_t{4} << 20;  // of the JSON
    // Answers count here until they have been sent; null: nowhere.
    MemoryBudget* memory = nullptr;
    std::function<void(Refusal)> refused;
    // Whose callers the calls are made for; null: nobody is asked who it is.
    const Gatekeeper* gate = nullptr;
  };
  // An answer, and what is held until it has been sent.
  using Reply =
      std::function<void(HttpResponse, std::shared_ptr<const void> held)>;

  // `channel` leads to the API.
  JsonCalls(Options options, const std::shared_ptr<grpc::Channel>& channel);
  ~JsonCalls();

  // Calls `reply` once, perhaps before it returns. It must not block.
  void Call(const HttpRequest& request, const Reply& reply);

  // Cancels what is under way and waits until it was replied to. Idempotent.
  void Stop();

 private:
  struct Pending;
  // Places that are taken. Shared with those who hold one: an answer may be
  // being sent when this is gone.
  struct Counts {
    absl::Mutex mutex;
    size_t calls ABSL_GUARDED_BY(mutex) = 0;
    size_t longs ABSL_GUARDED_BY(mutex) = 0;
    size_t streams ABSL_GUARDED_BY(mutex) = 0;
    size_t* Of(JsonRoute::Kind kind) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  };

  // Given back when the last one lets go of it. Null: there is none left.
  std::shared_ptr<const void> TakePlace(JsonRoute::Kind kind);
  // Sets the deadline and the id that the request asks for.
  absl::Status Prepare(const HttpRequest& request, Pending* call);
  // False: it was stopped, and `call` was replied to.
  bool Register(Pending* call);
  void StartUnary(std::unique_ptr<Pending> call,
                  const google::protobuf::Message& request);
  void StartStream(std::unique_ptr<Pending> call, std::string body);
  void Finish(Pending* pending, const grpc::Status& status);
  HttpResponse AnswerOf(const Pending& pending, const grpc::Status& status);
  // Takes the place, and memory for the answer, which becomes an error if there
  // is none.
  std::shared_ptr<const void> Hold(std::shared_ptr<const void> place,
                                   HttpResponse* response);

  const Options options_;
  const std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
  grpc::GenericStub stub_;

  absl::Mutex mutex_;
  // Those that Stop may cancel; and how many there are, with those that are
  // just being destroyed.
  absl::flat_hash_set<Pending*> pending_ ABSL_GUARDED_BY(mutex_);
  int64_t alive_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_JSON_CALLS_H_
