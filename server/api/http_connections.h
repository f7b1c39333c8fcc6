#ifndef TAUD_SERVER_API_HTTP_CONNECTIONS_H_
#define TAUD_SERVER_API_HTTP_CONNECTIONS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/rpc/refusal.h"

namespace taud::server {

// Reads the heads of HTTP requests and sends answers, one a connection, without
// a thread for any of them: who is slow, or says nothing, keeps nobody waiting.
// Bodies are not read.
//
//   reading ──whole head──▶ answering, a worker ──▶ writing ──▶ closed
//      └──time over, too long, or room is needed──▶ closed
//
// Start and Stop are the owner's; Stop joins all threads.
class HttpConnections {
 public:
  struct Options {
    size_t max_connections = 128;
    size_t max_head_bytes = 8192;
    absl::Duration read_time = absl::Seconds(5);    // for the whole head
    absl::Duration write_time = absl::Seconds(10);  // for the whole answer
    int workers = 4;
  };
  // The answer to a request, of its line and headers. Any worker. May throw.
  using Answer = std::function<std::string(const std::string& head)>;

  HttpConnections(const Options& options, Answer answer,
                  std::function<void(Refusal)> refused);
  ~HttpConnections();

  // Takes the connections of `listener`, which listens, and closes it at Stop.
  void Start(int listener);
  void Stop();  // idempotent

 private:
  enum class State { kReading, kAnswering, kWriting };
  struct Connection {
    int fd = -1;
    uint64_t id = 0;
    State state = State::kReading;
    absl::Time until;
    std::string in;
    std::string out;
    size_t sent = 0;
  };
  // A head, then its answer.
  struct Job {
    uint64_t id = 0;
    std::string text;
  };

  void Run();
  void Work();
  // The following are the loop's thread's.
  void Accept();
  bool MakeRoom();
  // Each returns whether the connection goes on.
  bool Read(Connection* connection);
  bool Write(Connection* connection);
  bool OnReady(Connection* connection);
  void Ask(Connection* connection);
  void TakeAnswers();
  void CloseLate(absl::Time now);
  int WaitMs(absl::Time now) const;
  std::list<Connection>::iterator Close(std::list<Connection>::iterator it);

  const Options options_;
  const Answer answer_;
  const std::function<void(Refusal)> refused_;

  int listener_ = -1;
  int wake_ = -1;  // an event: answers are there, or the end
  uint64_t next_id_ = 0;
  absl::Time accept_after_ = absl::InfinitePast();
  std::list<Connection> connections_;  // in order of arrival

  absl::Mutex mutex_;
  std::deque<Job> asked_ ABSL_GUARDED_BY(mutex_);  // one a connection at most
  std::deque<Job> answered_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HTTP_CONNECTIONS_H_
