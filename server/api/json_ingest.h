#ifndef TAUD_SERVER_API_JSON_INGEST_H_
#define TAUD_SERVER_API_JSON_INGEST_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/client_context.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/client_callback.h"
#include "server/api/http_message.h"
#include "server/api/json_routes.h"

namespace taud::server {

// A body of newline-delimited JSON as a stream of the API: each line is a
// message, sent when the one before was taken; each answer becomes a line.
// What the API has acknowledged is in the answer, whatever becomes of the rest:
// a call that fails, or a line that is no message, is the last line,
// {"error": …}, and the status of the answer.
//
// One line at a time is parsed; no further one is once the answer has
// `max_answer_bytes`.
//
// gRPC calls it on its threads. The owner deletes it in `done` or later, and
// not before.
class JsonIngest
    : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  using Done = std::function<void(const grpc::Status&)>;
  JsonIngest(const JsonRoute& route, std::string body, size_t max_answer_bytes,
             Done done);

  // `context` outlives the call.
  void Start(grpc::GenericStub* stub, grpc::ClientContext* context);

  // Once it is done, with the status that it was done with.
  HttpResponse Answer(const grpc::Status& status) const;

 private:
  void OnWriteDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;
  // Sends the next line, or says that there is none.
  void SendNext();
  // False: there is no more. A line of nothing but blanks is none.
  bool NextLine(absl::string_view* line);
  absl::Status MakeMessage(absl::string_view line);

  // Constant after construction.
  const JsonRoute& route_;
  const std::string body_;
  const size_t max_answer_bytes_;
  const Done done_;

  // Of the writing side: one write is under way at most.
  size_t place_ = 0;
  size_t line_ = 0;  // number of the last one
  absl::Status error_;
  grpc::ByteBuffer outgoing_;
  // Of the reading side.
  grpc::ByteBuffer incoming_;
  std::string answer_;
  // Both sides'.
  std::atomic<size_t> answer_bytes_{0};
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_JSON_INGEST_H_
