#include "server/rpc/call_queues.h"

#include <utility>

namespace taud::server {
namespace {

// Calls of a method that a queue is ready for; gRPC keeps more waiting.
constexpr int kReady = 64;

}  // namespace

struct CallQueues::Call::Method {
  Accept accept;
  Handle handle;
};

CallQueues::Call::Call(CallQueues* queues, const Method* method,
                       grpc::ServerCompletionQueue* queue)
    : queues_(queues), method_(method), queue_(queue), writer_(&context_) {
  {
    absl::MutexLock lock(&queues_->mutex_);
    ++queues_->calls_;
  }
  // Comes once the call has arrived, and only then: when it is cancelled, or
  // else when it has ended.
  context_.AsyncNotifyWhenDone(&done_);
  method_->accept(&context_, &request_, &writer_, queue_, &arrived_);
}

CallQueues::Call::~Call() {
  absl::MutexLock lock(&queues_->mutex_);
  --queues_->calls_;
}

void CallQueues::Call::Finish(const grpc::ByteBuffer& response,
                              const grpc::Status& status,
                              std::unique_ptr<Attachment> attachment) {
  // `response` may be the attachment's; both live until the events have come.
  attachment_ = std::move(attachment);
  if (status.ok()) {
    writer_.Finish(response, status, &finished_);
  } else {
    writer_.FinishWithError(status, &finished_);
  }
}

void CallQueues::Call::On(Event event, bool ok) {
  if (event == Event::kArrived) {
    if (!ok) {  // the server shuts down
      delete this;
      return;
    }
    queues_->Await(method_, queue_);
    method_->handle(this);
    return;
  }
  if (event == Event::kDone && context_.IsCancelled()) {
    cancelled_.store(true, std::memory_order_relaxed);
  }
  if (--events_left_ == 0) delete this;
}

CallQueues::CallQueues(int queues, grpc::ServerBuilder* builder) {
  for (int q = 0; q < queues; ++q) {
    queues_.push_back(builder->AddCompletionQueue());
  }
}

CallQueues::~CallQueues() { Stop(); }

void CallQueues::Serve(Accept accept, Handle handle) {
  methods_.push_back(std::make_unique<const Call::Method>(
      Call::Method{std::move(accept), std::move(handle)}));
  for (const auto& queue : queues_) {
    for (int c = 0; c < kReady; ++c) {
      new Call(this, methods_.back().get(), queue.get());
    }
  }
  if (!threads_.empty()) return;
  for (const auto& queue : queues_) {
    threads_.emplace_back([this, q = queue.get()] { Poll(q); });
  }
}

void CallQueues::Await(const Call::Method* method,
                       grpc::ServerCompletionQueue* queue) noexcept {
  // One for the call that has arrived, and those there was no memory for.
  for (int missing = missing_.exchange(0) + 1; missing > 0; --missing) {
    try {
      new Call(this, method, queue);
    } catch (...) {
      missing_ += missing;
      return;
    }
  }
}

void CallQueues::Stop() {
  if (std::exchange(stopped_, true)) return;
  {
    absl::MutexLock lock(&mutex_);
    const auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return calls_ == 0;
    };
    mutex_.Await(absl::Condition(&none));
  }
  // A queue may be shut down only when nothing will be put into it any more.
  for (const auto& queue : queues_) queue->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  if (!threads_.empty()) return;
  for (const auto& queue : queues_) Poll(queue.get());
}

void CallQueues::Poll(grpc::ServerCompletionQueue* queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) {
    const auto* event = static_cast<Call::Tag*>(tag);
    event->call->On(event->event, ok);
  }
}

}  // namespace taud::server
