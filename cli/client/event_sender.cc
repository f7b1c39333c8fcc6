#include "cli/client/event_sender.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace taud::cli {
namespace {

constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(2);

bool WorthRetrying(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED;
}

}  // namespace

EventSender::EventSender(const Common& common, const Options& options,
                         OnRejected on_rejected)
    : common_(common),
      options_(options),
      on_rejected_(std::move(on_rejected)),
      channel_(Connect(common)),
      stub_(v1::IngestionService::NewStub(channel_)),
      filling_(std::make_shared<EventBatch>()),
      max_bytes_(options.max_bytes),
      last_progress_(absl::Now()) {}

EventSender::~EventSender() {
  if (context_ != nullptr) context_->TryCancel();
  if (reader_.joinable()) reader_.join();
}

absl::Status EventSender::Add(v1::Interaction interaction, uint64_t position,
                              uint64_t line) {
  const size_t bytes = interaction.ByteSizeLong();
  if (filling_bytes_ + bytes > max_bytes_) {
    absl::Status status = Flush();
    if (!status.ok()) return status;
  }
  filling_bytes_ += bytes;
  *filling_->request.add_interactions() = std::move(interaction);
  filling_->places.push_back({position, line});
  if (filling_->places.size() < options_.batch) return absl::OkStatus();
  return Flush();
}

absl::Status EventSender::Flush() {
  if (filling_->places.empty()) return absl::OkStatus();
  auto batch = std::make_shared<EventBatch>();
  batch.swap(filling_);
  filling_bytes_ = 0;
  const bool resumable = !options_.stream_id.empty();
  batch->request.set_batch_id(resumable ? batch->places.back().position
                                        : next_batch_id_++);
  if (resumable) batch->request.set_stream_id(options_.stream_id);
  return Send(batch);
}

absl::Status EventSender::Send(const std::shared_ptr<EventBatch>& batch) {
  if (stream_ == nullptr) {
    absl::Status status = WaitForServer();
    if (!status.ok()) return status;
    Open();
  }
  bool broken = false;
  {
    absl::MutexLock lock(&mutex_);
    const auto room = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return broken_ || in_flight_.size() < options_.max_in_flight;
    };
    mutex_.Await(absl::Condition(&room));
    in_flight_.push_back(batch);
    broken = broken_;
  }
  if (!broken && stream_->Write(batch->request)) return absl::OkStatus();
  return Reconnect();  // sends everything in flight, this one included
}

absl::Status EventSender::Finish() {
  absl::Status status = Flush();
  if (!status.ok() || stream_ == nullptr) return status;
  while (true) {
    bool empty = false;
    {
      absl::MutexLock lock(&mutex_);
      const auto settled = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return broken_ || in_flight_.empty();
      };
      mutex_.Await(absl::Condition(&settled));
      empty = in_flight_.empty();
    }
    if (empty) break;
    status = Reconnect();
    if (!status.ok()) return status;
  }
  stream_->WritesDone();
  reader_.join();
  // Everything was acknowledged: how the stream ended does not matter.
  stream_->Finish();
  stream_.reset();
  context_.reset();
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> EventSender::AskPosition() {
  while (true) {
    absl::Status status = WaitForServer();
    if (!status.ok()) return status;
    Open();
    {
      absl::MutexLock lock(&mutex_);
      if (!broken_) return held_position_;
    }
    status = EndStream();
    if (!status.ok()) return status;
    absl::SleepFor(kFirstPause);
  }
}

bool EventSender::CatchUp() {
  v1::IngestRequest question;
  question.set_stream_id(options_.stream_id);
  v1::IngestAck answer;
  if (!stream_->Write(question) || !stream_->Read(&answer) ||
      !answer.stream_position()) {
    return false;
  }
  held_position_ = answer.batch_id();
  absl::MutexLock lock(&mutex_);
  // Also of what an earlier run has sent.
  totals_.last_sequence =
      std::max(totals_.last_sequence, answer.last_sequence());
  while (!in_flight_.empty() &&
         in_flight_.front()->request.batch_id() <= held_position_) {
    // Written before the break, and its acknowledgement lost.
    const EventBatch& batch = *in_flight_.front();
    totals_.accepted += batch.places.size();
    totals_.position = batch.places.back().position;
    totals_.stored = totals_.position;
    last_progress_ = absl::Now();
    in_flight_.pop_front();
  }
  return true;
}

void EventSender::Open() {
  context_ = std::make_unique<grpc::ClientContext>();
  stream_ = stub_->Ingest(context_.get());
  if (!options_.stream_id.empty() && !CatchUp()) {
    // The reading thread finds the stream at its end.
    absl::MutexLock lock(&mutex_);
    broken_ = true;
    reader_ = std::thread([this] { ReadAcks(); });
    return;
  }
  {
    absl::MutexLock lock(&mutex_);
    broken_ = false;
  }
  reader_ = std::thread([this] { ReadAcks(); });
}

void EventSender::ReadAcks() {
  v1::IngestAck ack;
  bool good = true;
  while (good && stream_->Read(&ack)) good = HandleAck(ack);
  if (!good) context_->TryCancel();
  absl::MutexLock lock(&mutex_);
  broken_ = true;
}

// False for an acknowledgement that answers nothing: the stream is unusable.
bool EventSender::HandleAck(const v1::IngestAck& ack) {
  std::shared_ptr<EventBatch> batch;
  {
    absl::MutexLock lock(&mutex_);
    if (in_flight_.empty() ||
        in_flight_.front()->request.batch_id() != ack.batch_id()) {
      return false;
    }
    batch = in_flight_.front();
    in_flight_.pop_front();
    totals_.accepted += ack.accepted();
    totals_.duplicates += ack.duplicates();
    totals_.rejected += ack.rejected_count();
    totals_.last_sequence =
        std::max(totals_.last_sequence, ack.last_sequence());
    totals_.position = batch->places.back().position;
    if (ack.accepted() + ack.duplicates() > 0) {
      totals_.stored = totals_.position;
    }
    last_progress_ = absl::Now();
  }
  for (const v1::Rejection& rejection : ack.rejected()) {
    if (rejection.index() >= batch->places.size()) continue;
    on_rejected_(batch->places[rejection.index()].line, rejection.reason());
  }
  return true;
}

absl::Status EventSender::EndStream() {
  // The reader ends when the call has: a failed write means that it did.
  reader_.join();
  const grpc::Status status = stream_->Finish();
  stream_.reset();
  context_.reset();
  if (IsTooLarge(status)) return MakeSmaller(status);
  if (WorthRetrying(status)) {
    last_error_ = status.error_message();
    return absl::OkStatus();
  }
  return FromRpc(status, common_.server);
}

absl::Status EventSender::MakeSmaller(const grpc::Status& too_large) {
  absl::MutexLock lock(&mutex_);
  size_t largest = 0;
  for (const auto& batch : in_flight_) {
    largest = std::max(largest, batch->request.ByteSizeLong());
  }
  max_bytes_ = std::max<size_t>(1, std::min(max_bytes_, largest) / 2);
  if (SplitLarge(max_bytes_, &in_flight_)) return absl::OkStatus();
  return FromRpc(too_large, common_.server);
}

absl::Status EventSender::WaitForServer() {
  absl::Time give_up;
  {
    absl::MutexLock lock(&mutex_);
    give_up = last_progress_ + absl::Seconds(options_.retry_seconds);
  }
  if (absl::Now() < give_up &&
      channel_->WaitForConnected(absl::ToChronoTime(give_up))) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(absl::StrCat(
      common_.server, ": takes no interactions for ", options_.retry_seconds,
      " s now",
      last_error_.empty() ? "; is taud running there? Try `tauctl status`"
                          : absl::StrCat(": ", last_error_),
      ". What was acknowledged is safe"));
}

absl::Status EventSender::Reconnect() {
  absl::Duration pause = kFirstPause;
  while (true) {
    absl::Status status = EndStream();
    if (!status.ok()) return status;
    absl::SleepFor(pause);
    pause = std::min(2 * pause, kLongestPause);
    status = WaitForServer();
    if (!status.ok()) return status;
    Open();
    std::deque<std::shared_ptr<EventBatch>> again;
    {
      absl::MutexLock lock(&mutex_);
      ++totals_.reconnects;
      again = in_flight_;
    }
    bool sent = true;
    for (const auto& batch : again) {
      sent = sent && stream_->Write(batch->request);
    }
    if (sent) return absl::OkStatus();
  }
}

EventSender::Totals EventSender::totals() const {
  absl::MutexLock lock(&mutex_);
  return totals_;
}

}  // namespace taud::cli
