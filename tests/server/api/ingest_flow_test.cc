#include "server/api/ingest_flow.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::server {
namespace {

using ::testing::HasSubstr;
using Slot = IngestFlow::Slot;

std::shared_ptr<Slot> Batch(uint64_t id, size_t interactions = 1) {
  auto slot = std::make_shared<Slot>();
  slot->ack.set_batch_id(id);
  slot->interactions = interactions;
  return slot;
}

// The batch whose acknowledgement is sent next; 0: none.
uint64_t Sends(IngestFlow* flow) {
  const v1::IngestAck* ack = flow->BeginSend();
  return ack == nullptr ? 0 : ack->batch_id();
}

// "" while it goes on, or else how it ends.
std::string Ends(IngestFlow* flow) {
  const auto status = flow->BeginFinish();
  return status.has_value() ? status->ToString() : "";
}

TEST(IngestFlowTest, AcknowledgesInTheOrderOfReading) {
  IngestFlow flow(10);
  const auto first = Batch(1);
  const auto second = Batch(2);
  flow.Add(first);
  flow.Add(second);
  EXPECT_EQ(Sends(&flow), 0u);
  second->ready = true;
  EXPECT_EQ(Sends(&flow), 0u);
  first->ready = true;
  EXPECT_EQ(Sends(&flow), 1u);
  // One at a time.
  EXPECT_EQ(Sends(&flow), 0u);
  flow.SendDone();
  EXPECT_EQ(Sends(&flow), 2u);
}

TEST(IngestFlowTest, ReadsOneAtATimeAndNotTooFarAhead) {
  IngestFlow flow(10);
  EXPECT_TRUE(flow.BeginRead(false));
  EXPECT_FALSE(flow.BeginRead(false));
  flow.ReadDone();
  const auto first = Batch(1, 9);
  const auto second = Batch(2, 9);
  flow.Add(first);
  // Nine wait: one more may be read, however large.
  EXPECT_TRUE(flow.BeginRead(false));
  flow.ReadDone();
  flow.Add(second);
  EXPECT_FALSE(flow.BeginRead(false));
  // It counts until its acknowledgement has been sent.
  first->ready = true;
  ASSERT_EQ(Sends(&flow), 1u);
  EXPECT_FALSE(flow.BeginRead(false));
  flow.SendDone();
  EXPECT_FALSE(flow.BeginRead(/*held=*/true));
  EXPECT_TRUE(flow.BeginRead(false));
}

TEST(IngestFlowTest, AHalfCloseEndsWhenAllIsAcknowledged) {
  IngestFlow flow(10);
  const auto first = Batch(1);
  flow.Add(first);
  flow.Close(absl::OkStatus());
  EXPECT_TRUE(flow.closing());
  EXPECT_FALSE(flow.BeginRead(false));
  EXPECT_EQ(Ends(&flow), "");
  first->ready = true;
  ASSERT_EQ(Sends(&flow), 1u);
  EXPECT_EQ(Ends(&flow), "");
  flow.SendDone();
  EXPECT_EQ(Ends(&flow), "OK");
  EXPECT_TRUE(flow.finished());
  // Once.
  EXPECT_EQ(Ends(&flow), "");
}

TEST(IngestFlowTest, TheFirstReasonCountsAndAnErrorOutranksAHalfClose) {
  const absl::Status error = absl::InvalidArgumentError("no such field");
  const absl::Status draining = absl::UnavailableError("draining");
  const struct {
    std::vector<absl::Status> reasons;
    absl::Status end;
  } cases[] = {
      {{absl::OkStatus()}, absl::OkStatus()},
      {{absl::OkStatus(), error}, error},
      {{error, absl::OkStatus()}, error},
      {{error, draining}, error},
      {{absl::OkStatus(), draining, error}, draining},
  };
  for (const auto& one : cases) {
    IngestFlow flow(10);
    for (const absl::Status& reason : one.reasons) flow.Close(reason);
    EXPECT_EQ(Ends(&flow), one.end.ToString());
  }
}

TEST(IngestFlowTest, WhatCameBeforeALostBatchIsAcknowledged) {
  IngestFlow flow(10);
  const auto first = Batch(1);
  const auto lost = Batch(2, 9);
  const auto behind = Batch(3);
  for (const auto& slot : {first, lost, behind}) flow.Add(slot);
  behind->ready = true;
  flow.Lose(lost, absl::ResourceExhaustedError("disk full"));
  first->ready = true;
  EXPECT_EQ(Sends(&flow), 1u);
  flow.SendDone();
  // Not the third: it would say that the second is written, too.
  EXPECT_EQ(Sends(&flow), 0u);
  EXPECT_EQ(Ends(&flow), "RESOURCE_EXHAUSTED: disk full");
  // One that was lost with it changes nothing any more.
  flow.Lose(behind, absl::InternalError("late"));
  EXPECT_EQ(Ends(&flow), "");
}

TEST(IngestFlowTest, ACancelledCallEndsAtOnce) {
  IngestFlow flow(10);
  const auto first = Batch(1);
  const auto second = Batch(2);
  flow.Add(first);
  flow.Add(second);
  first->ready = true;
  ASSERT_EQ(Sends(&flow), 1u);
  flow.Cancel();
  EXPECT_EQ(Ends(&flow), "CANCELLED: the client went away");
  // gRPC tells the end of the write that was under way.
  flow.SendDone();
  second->ready = true;
  EXPECT_EQ(Sends(&flow), 0u);
  EXPECT_FALSE(flow.BeginRead(false));
}

TEST(IngestFlowTest, AnAcknowledgementThatCannotBeMadeEndsTheCall) {
  IngestFlow flow(10);
  const auto first = Batch(1);
  first->ready = true;
  flow.Add(first);
  flow.Add(Batch(2));
  ASSERT_EQ(Sends(&flow), 1u);
  flow.SendFailed(absl::ResourceExhaustedError("no memory"));
  EXPECT_EQ(Sends(&flow), 0u);
  EXPECT_EQ(Ends(&flow), "RESOURCE_EXHAUSTED: no memory");
}

v1::IngestRequest Message(const std::string& stream, uint64_t batch,
                          int interactions) {
  v1::IngestRequest request;
  request.set_stream_id(stream);
  request.set_batch_id(batch);
  for (int i = 0; i < interactions; ++i) request.add_interactions();
  return request;
}

TEST(StreamOrderTest, SaysWhatDoesNotFit) {
  const struct {
    const char* name;
    std::vector<v1::IngestRequest> good;
    v1::IngestRequest last;
    const char* error;  // "": none
  } cases[] = {
      {"no stream", {Message("", 5, 1)}, Message("", 5, 1), ""},
      {"ascending", {Message("s", 1, 1)}, Message("s", 7, 1), ""},
      {"the id once", {Message("s", 1, 1)}, Message("", 2, 1), ""},
      {"a question before", {Message("s", 0, 0)}, Message("s", 1, 1), ""},
      {"a question between", {Message("s", 3, 1)}, Message("s", 0, 0), ""},
      {"zero", {}, Message("s", 0, 1), "batch_id: 0 does not ascend"},
      {"again",
       {Message("s", 3, 1)},
       Message("s", 3, 1),
       "3 does not ascend: the last one was 3"},
      {"back",
       {Message("s", 3, 1), Message("", 4, 1)},
       Message("", 2, 1),
       "the last one was 4"},
      {"another", {Message("s", 3, 1)}, Message("t", 4, 1), "stream_id"},
      {"named too late", {Message("", 1, 1)}, Message("s", 2, 1), "stream_id"},
      {"no id", {}, Message(std::string(2000, 's'), 1, 1), "stream_id"},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.name);
    StreamOrder order;
    for (const v1::IngestRequest& request : one.good) {
      ASSERT_TRUE(order.Check(request).ok());
    }
    const absl::Status status = order.Check(one.last);
    if (one.error[0] == '\0') {
      EXPECT_TRUE(status.ok()) << status;
    } else {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
      EXPECT_THAT(status.ToString(), HasSubstr(one.error));
    }
  }
}

}  // namespace
}  // namespace taud::server
