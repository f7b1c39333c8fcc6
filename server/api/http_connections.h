#ifndef TAUD_SERVER_API_HTTP_CONNECTIONS_H_
#define TAUD_SERVER_API_HTTP_CONNECTIONS_H_

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "model/answer_once.h"
#include "server/api/chunked_body.h"
#include "server/api/http_message.h"
#include "server/api/http_stream.h"
#include "server/rpc/refusal.h"
#include "server/rpc/tls_files.h"

namespace taud::server {

// The text of an answer, and what is held until it has been sent, or will not
// be.
struct HttpText {
  std::string text;
  std::shared_ptr<const void> held;
  // Another request may come on the same connection afterwards.
  bool keeps_open = false;
};
// To be called once, from any thread; an error is answered with a bare 500.
using HttpReply = model::AnswerOnce<absl::StatusOr<HttpText>>;

// Reads HTTP requests and sends answers, one at a time on a connection, without
// a thread for any of them: who is slow, or says nothing, keeps nobody waiting.
// Of bodies only those of POST are read, by their Content-Length or in chunks:
// a request is handed on whole, and without chunks.
//
//   reading ──whole request──▶ answering ──▶ writing ──▶ closed, or reading
//      └──time over, too long, or room is needed──▶ closed
//
// Start and Stop are the owner's; Stop joins all threads. REQUIRES: when Stop
// is called, every reply that a worker has handed on was given, or will be
// without waiting for one of these threads, before it returns.
class HttpConnections {
 public:
  struct Options {
    size_t max_connections = 128;
    size_t max_head_bytes = 8192;
    size_t max_body_bytes = size_t{64} << 10;
    // What bodies of more than 64 KiB have together, until they are answered.
    size_t max_large_bytes = size_t{64} << 20;
    absl::Duration read_time = absl::Seconds(5);    // for the whole request
    absl::Duration write_time = absl::Seconds(10);  // for the whole answer
    absl::Duration idle_time = absl::Seconds(30);   // between two requests
    int workers = 4;
  };
  // Answers a request: its line, headers and body. Called by any worker, which
  // it must not keep; may reply later. May throw.
  using Answer = std::function<void(const HttpPeer& peer, std::string request,
                                    HttpReply reply)>;

  HttpConnections(const Options& options, Answer answer,
                  std::function<void(Refusal)> refused);
  ~HttpConnections();

  // Takes the connections of `listener`, which listens, and closes it at Stop.
  // `tls`, if it is not null, outlives the connections.
  void Start(int listener, const TlsFiles* tls = nullptr);
  void Stop();  // idempotent

 private:
  enum class State { kReading, kAnswering, kWriting };
  struct Connection {
    int fd = -1;
    uint64_t id = 0;
    HttpPeer peer;
    std::string host;  // of the peer, for counting
    HttpStream stream;
    State state = State::kReading;
    absl::Time since;  // it came, or was answered last
    absl::Time until;
    bool idle = false;  // answered, and the next request has not begun
    std::string in;
    std::string next;          // what came behind the request
    size_t request_bytes = 0;  // once it is known how many there are
    // Takes the chunks off a body; `in` has the head and what came of it so
    // far.
    std::optional<ChunkedBody> chunks;
    size_t head_bytes = 0;   // if there are chunks
    size_t large_bytes = 0;  // of large_bytes_
    HttpText out;
    size_t sent = 0;
  };
  struct Asked {
    uint64_t id = 0;
    HttpPeer peer;
    std::string request;
  };
  struct Answered {
    uint64_t id = 0;
    HttpText answer;
  };

  void Run();
  // One round of the loop; false: the end. `waiting` is working memory.
  bool RunOnce(std::vector<pollfd>* waiting);
  void Work();
  void Give(uint64_t id, absl::StatusOr<HttpText> answer);
  // The following are the loop's thread's.
  void Accept();
  bool MakeRoom();
  // Each returns whether the connection goes on.
  bool Read(Connection* connection);
  bool TakeIn(Connection* connection, size_t searched);
  bool BeginNext(Connection* connection);
  bool ReadHead(Connection* connection, size_t searched);
  bool BeginBody(Connection* connection, size_t head, size_t bytes);
  bool BeginChunks(Connection* connection, size_t head);
  bool TakeChunks(Connection* connection, absl::string_view coded);
  // Whether the body of so many bytes has room beside the others.
  bool HasRoomFor(Connection* connection, size_t bytes);
  bool Refuse(Connection* connection, Refusal why, const char* answer);
  bool Write(Connection* connection);
  bool OnReady(Connection* connection);
  // What throws, without memory, costs the connection that it was about.
  bool Try(bool (HttpConnections::*step)(Connection*),
           Connection* connection) noexcept;
  void Ask(Connection* connection);
  void TakeAnswers();
  void CloseLate(absl::Time now);
  int WaitMs(absl::Time now) const;
  std::list<Connection>::iterator Close(std::list<Connection>::iterator it);

  const Options options_;
  const Answer answer_;
  const std::function<void(Refusal)> refused_;

  const TlsFiles* tls_ = nullptr;
  int listener_ = -1;
  int wake_ = -1;  // an event: answers are there, or the end
  uint64_t next_id_ = 0;
  absl::Time accept_after_ = absl::InfinitePast();
  size_t large_bytes_ = 0;
  std::list<Connection> connections_;

  absl::Mutex mutex_;
  // One a connection at most.
  std::deque<Asked> asked_ ABSL_GUARDED_BY(mutex_);
  std::deque<Answered> answered_ ABSL_GUARDED_BY(mutex_);
  // Handed to answer_ and not replied to yet.
  size_t handed_on_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HTTP_CONNECTIONS_H_
