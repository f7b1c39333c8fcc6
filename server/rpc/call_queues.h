#ifndef TAUD_SERVER_RPC_CALL_QUEUES_H_
#define TAUD_SERVER_RPC_CALL_QUEUES_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace taud::server {

// Unary calls, as raw bytes, through gRPC's completion queues, each with a
// thread that polls it: the cheaper of gRPC's two asynchronous APIs, for the
// methods that are called most (docs/performance.md). The others of the same
// server use callbacks.
//
// Life: made before the server is built, Serve after, once a method; then the
// server's Shutdown, then Stop. Made, started and stopped by one thread.
class CallQueues {
 public:
  using Writer = grpc::ServerAsyncResponseWriter<grpc::ByteBuffer>;

  // What lives as long as a call.
  class Attachment {
   public:
    virtual ~Attachment() = default;
  };

  // One call that has arrived.
  class Call {
   public:
    const grpc::ServerContext& context() const { return context_; }
    grpc::ServerContext* mutable_context() { return &context_; }
    const grpc::ByteBuffer& request() const { return request_; }
    // Turns true when nobody waits for the answer any more. Valid until
    // Finish.
    const std::atomic<bool>* cancelled() const { return &cancelled_; }

    // Answers. Any thread, exactly once; the call may be gone afterwards, and
    // `attachment`, which may be null, goes with it.
    void Finish(const grpc::ByteBuffer& response, const grpc::Status& status,
                std::unique_ptr<Attachment> attachment = nullptr);

   private:
    friend class CallQueues;
    enum class Event { kArrived, kFinished, kDone };
    struct Tag {
      Call* call;
      Event event;
    };
    struct Method;

    Call(CallQueues* queues, const Method* method,
         grpc::ServerCompletionQueue* queue);
    ~Call();
    void On(Event event, bool ok);

    CallQueues* const queues_;
    const Method* const method_;
    grpc::ServerCompletionQueue* const queue_;
    Tag arrived_{this, Event::kArrived};
    Tag finished_{this, Event::kFinished};
    Tag done_{this, Event::kDone};
    grpc::ServerContext context_;
    grpc::ByteBuffer request_;
    Writer writer_;
    std::atomic<bool> cancelled_{false};
    std::unique_ptr<Attachment> attachment_;
    int events_left_ = 2;  // after the arrival; the polling thread's
  };

  // Asks gRPC for one call of a method: the Request… function of a service
  // with WithRawMethod_….
  using Accept =
      std::function<void(grpc::ServerContext*, grpc::ByteBuffer*, Writer*,
                         grpc::ServerCompletionQueue*, void* tag)>;
  // What to do with a call that arrived: Finish it, now or later. Must not
  // block or throw: other calls wait for the thread.
  using Handle = std::function<void(Call*)>;

  // `builder`: of the server; not built yet.
  CallQueues(int queues, grpc::ServerBuilder* builder);
  // Stops.
  ~CallQueues();

  // REQUIRES: the server runs.
  void Serve(Accept accept, Handle handle);

  // Waits until every call that arrived is finished, then joins the threads.
  // Idempotent. REQUIRES: the server's Shutdown has returned (or it was never
  // built), so that no more calls arrive.
  void Stop();

 private:
  void Poll(grpc::ServerCompletionQueue* queue);
  // Makes the queue ready for another call of the method.
  void Await(const Call::Method* method,
             grpc::ServerCompletionQueue* queue) noexcept;

  // Constant after construction, except for Serve and Stop.
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  std::vector<std::unique_ptr<const Call::Method>> methods_;
  std::vector<std::thread> threads_;
  bool stopped_ = false;

  std::atomic<int> missing_{0};  // calls that could not be made ready for

  absl::Mutex mutex_;
  // Calls that are waited for or under way. An arriving call is replaced by
  // another that is waited for before it can end, so 0 is reached only when
  // the server is shut down.
  size_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_CALL_QUEUES_H_
