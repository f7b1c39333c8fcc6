#include "server/api/http_connections.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "model/check.h"
#include "model/steady_clock.h"
#include "server/rpc/acceptor.h"

namespace taud::server {
namespace {

constexpr char kTooLong[] =
    "HTTP/1.1 431 Request Header Fields Too Large\r\n"
    "Connection: close\r\nContent-Length: 0\r\n\r\n";
constexpr char kBadLength[] =
    "HTTP/1.1 400 Bad Request\r\n"
    "Connection: close\r\nContent-Length: 0\r\n\r\n";
constexpr char kOtherCoding[] =
    "HTTP/1.1 501 Not Implemented\r\n"
    "Connection: close\r\nContent-Length: 0\r\n\r\n";
constexpr char kLargeBody[] =
    "HTTP/1.1 413 Payload Too Large\r\n"
    "Connection: close\r\nContent-Length: 0\r\n\r\n";
constexpr char kManyBodies[] =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    "Connection: close\r\nContent-Length: 0\r\n\r\n";
constexpr char kFailed[] =
    "HTTP/1.1 500 Internal Server Error\r\n"
    "Connection: close\r\nContent-Length: 0\r\n\r\n";
constexpr size_t kLargeBytes = size_t{64} << 10;
// Without descriptors no connection is taken for so long.
constexpr absl::Duration kPause = absl::Milliseconds(100);

// As gRPC writes it.
std::string AddressText(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.ss_family == AF_INET) {
    const auto& four = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &four.sin_addr, text, sizeof(text));
    return absl::StrCat("ipv4:", text, ":", ntohs(four.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof(text));
    return absl::StrCat("ipv6:[", text, "]:", ntohs(six.sin6_port));
  }
  return "";
}

bool WouldBlock() { return errno == EAGAIN || errno == EINTR; }

}  // namespace

HttpConnections::HttpConnections(const Options& options, Answer answer,
                                 std::function<void(Refusal)> refused)
    : options_(options),
      answer_(std::move(answer)),
      refused_(std::move(refused)) {}

HttpConnections::~HttpConnections() { Stop(); }

void HttpConnections::Start(int listener, const TlsFiles* tls) {
  tls_ = tls;
  listener_ = listener;
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  TAUD_CHECK(wake_ >= 0);
  threads_.emplace_back([this] { Run(); });
  for (int w = 0; w < options_.workers; ++w) {
    threads_.emplace_back([this] { Work(); });
  }
}

void HttpConnections::Stop() {
  if (threads_.empty()) return;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof(one));
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  {
    const auto replied = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return handed_on_ == 0;
    };
    absl::MutexLock lock(&mutex_, absl::Condition(&replied));
  }
  while (!connections_.empty()) Close(connections_.begin());
  close(listener_);
  close(wake_);
}

void HttpConnections::Work() {
  const auto busy = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !asked_.empty();
  };
  while (true) {
    Asked asked;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(&busy));
      if (stopping_) return;
      asked = std::move(asked_.front());
      asked_.pop_front();
      ++handed_on_;
    }
    HttpReply reply([this, id = asked.id](absl::StatusOr<HttpText> answer) {
      Give(id, std::move(answer));
    });
    try {
      // If it throws the reply goes out of scope, and so is given.
      answer_(asked.peer, std::move(asked.request), std::move(reply));
    } catch (...) {  // the library's, or without memory
    }
  }
}

void HttpConnections::Give(uint64_t id, absl::StatusOr<HttpText> answer) {
  absl::MutexLock lock(&mutex_);
  answered_.push_back(
      {id, answer.ok() ? *std::move(answer) : HttpText{kFailed, nullptr}});
  --handed_on_;
  const uint64_t one = 1;
  (void)!write(wake_, &one, sizeof(one));
}

void HttpConnections::Run() {
  std::vector<pollfd> waiting;
  bool more = true;
  while (more) {
    try {
      more = RunOnce(&waiting);
    } catch (...) {  // without memory: the next round is a pause away
      poll(nullptr, 0, static_cast<int>(absl::ToInt64Milliseconds(kPause)));
    }
  }
}

bool HttpConnections::RunOnce(std::vector<pollfd>* waiting) {
  const absl::Time now = model::SteadyNow();
  waiting->clear();
  waiting->push_back({wake_, POLLIN, 0});
  const bool accepts = now >= accept_after_;
  waiting->push_back({accepts ? listener_ : -1, POLLIN, 0});
  for (const Connection& c : connections_) {
    const bool asks = c.state != State::kAnswering;
    waiting->push_back({asks ? c.fd : -1, c.stream.events(), 0});
  }
  poll(waiting->data(), waiting->size(), WaitMs(now));
  {
    absl::MutexLock lock(&mutex_);
    if (stopping_) return false;
  }
  auto it = connections_.begin();
  for (size_t i = 2; i < waiting->size(); ++i) {
    const bool goes_on =
        (*waiting)[i].revents == 0 || Try(&HttpConnections::OnReady, &*it);
    it = goes_on ? std::next(it) : Close(it);
  }
  if ((*waiting)[0].revents != 0) TakeAnswers();
  CloseLate(model::SteadyNow());
  if ((*waiting)[1].revents != 0) Accept();
  return true;
}

bool HttpConnections::Try(bool (HttpConnections::*step)(Connection*),
                          Connection* connection) noexcept {
  try {
    return (this->*step)(connection);
  } catch (...) {
    return false;
  }
}

int HttpConnections::WaitMs(absl::Time now) const {
  absl::Time next =
      accept_after_ > now ? accept_after_ : absl::InfiniteFuture();
  for (const Connection& c : connections_) {
    if (c.state != State::kAnswering) next = std::min(next, c.until);
  }
  if (next == absl::InfiniteFuture()) return -1;
  return static_cast<int>(absl::ToInt64Milliseconds(
      std::max(absl::ZeroDuration(), next - now) + absl::Milliseconds(1)));
}

void HttpConnections::Accept() {
  sockaddr_storage address = {};
  socklen_t size = sizeof(address);
  const int fd = accept4(listener_, reinterpret_cast<sockaddr*>(&address),
                         &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    if (WouldBlock() || errno == ECONNABORTED) return;
    refused_(Refusal::kDescriptors);
    accept_after_ = model::SteadyNow() + kPause;
    return;
  }
  if (!MakeRoom()) {
    close(fd);
    return;
  }
  try {
    Connection connection;
    connection.fd = fd;
    connection.id = ++next_id_;
    connection.peer.address = AddressText(address);
    connection.host = HostOf(address);
    connection.stream =
        HttpStream(fd, tls_ == nullptr ? nullptr : tls_->Get()->context.get());
    connection.since = model::SteadyNow();
    connection.until = connection.since + options_.read_time;
    connections_.push_back(std::move(connection));
  } catch (...) {  // without memory
    close(fd);
  }
}

// Of the host that has most, so that one that has many takes nobody else's, who
// has been waiting longest goes: an honest client is done within milliseconds,
// and one that is answered comes again.
bool HttpConnections::MakeRoom() {
  if (connections_.size() < options_.max_connections) return true;
  refused_(Refusal::kHttpConnections);
  std::map<absl::string_view, size_t> waiting;
  for (const Connection& c : connections_) {
    waiting[c.host] += c.state != State::kAnswering;
  }
  const auto oldest =
      std::min_element(connections_.begin(), connections_.end(),
                       [&waiting](const Connection& a, const Connection& b) {
                         const bool a_asks = a.state == State::kAnswering;
                         const bool b_asks = b.state == State::kAnswering;
                         if (a_asks != b_asks) return b_asks;
                         const size_t of_a = waiting.at(a.host);
                         const size_t of_b = waiting.at(b.host);
                         return of_a != of_b ? of_a > of_b : a.since < b.since;
                       });
  if (oldest->state == State::kAnswering) return false;
  Close(oldest);
  return true;
}

bool HttpConnections::OnReady(Connection* connection) {
  return connection->state == State::kReading ? Read(connection)
                                              : Write(connection);
}

bool HttpConnections::Read(Connection* connection) {
  char buffer[16384];
  std::string& in = connection->in;
  // To the end of what has come: TLS may hold some that poll knows nothing of.
  while (connection->state == State::kReading) {
    const ssize_t n = connection->stream.Receive(buffer, sizeof(buffer));
    if (n <= 0) return n < 0;
    if (connection->idle) {
      connection->idle = false;
      connection->until = model::SteadyNow() + options_.read_time;
    }
    const size_t searched = in.size() < 3 ? 0 : in.size() - 3;
    const absl::string_view come(buffer, static_cast<size_t>(n));
    if (connection->chunks.has_value()) {
      if (!TakeChunks(connection, come)) return false;
      continue;
    }
    in.append(come.data(), come.size());
    if (!TakeIn(connection, searched)) return false;
  }
  return true;
}

bool HttpConnections::TakeIn(Connection* connection, size_t searched) {
  std::string& in = connection->in;
  if (connection->request_bytes == 0 && !ReadHead(connection, searched)) {
    return false;
  }
  if (connection->state != State::kReading || connection->request_bytes == 0 ||
      in.size() < connection->request_bytes) {
    return true;
  }
  connection->next = in.substr(connection->request_bytes);
  in.resize(connection->request_bytes);
  Ask(connection);
  return true;
}

// The answer has been sent. False: the next request is refused already.
bool HttpConnections::BeginNext(Connection* connection) {
  connection->out = HttpText();
  connection->sent = 0;
  connection->request_bytes = 0;
  connection->chunks.reset();
  connection->state = State::kReading;
  connection->since = model::SteadyNow();
  connection->in = std::move(connection->next);
  connection->next.clear();
  connection->idle = connection->in.empty();
  connection->until =
      connection->since +
      (connection->idle ? options_.idle_time : options_.read_time);
  if (!connection->idle && !TakeIn(connection, 0)) return false;
  // TLS may hold more of what came with the request before.
  return connection->state != State::kReading || Read(connection);
}

bool HttpConnections::ReadHead(Connection* connection, size_t searched) {
  const std::string& in = connection->in;
  const size_t end = in.find("\r\n\r\n", searched);
  const size_t head = end == std::string::npos ? in.size() : end + 4;
  if (head > options_.max_head_bytes) {
    return Refuse(connection, Refusal::kHttpHead, kTooLong);
  }
  if (end == std::string::npos) return true;
  const BodyLength body = BodyLengthOf(absl::string_view(in).substr(0, head));
  switch (body.kind) {
    case BodyLength::Kind::kMalformed:
      return Refuse(connection, Refusal::kHttpBody, kBadLength);
    case BodyLength::Kind::kUnsupported:
      return Refuse(connection, Refusal::kHttpBody, kOtherCoding);
    case BodyLength::Kind::kChunked:
      return BeginChunks(connection, head);
    case BodyLength::Kind::kKnown:
      break;
  }
  if (body.bytes > options_.max_body_bytes) {
    return Refuse(connection, Refusal::kHttpBody, kLargeBody);
  }
  return BeginBody(connection, head, static_cast<size_t>(body.bytes));
}

bool HttpConnections::BeginBody(Connection* connection, size_t head,
                                size_t bytes) {
  if (!HasRoomFor(connection, bytes)) {
    return Refuse(connection, Refusal::kHttpBody, kManyBodies);
  }
  connection->request_bytes = head + bytes;
  return true;
}

bool HttpConnections::HasRoomFor(Connection* connection, size_t bytes) {
  if (bytes <= kLargeBytes || bytes <= connection->large_bytes) return true;
  const size_t more = bytes - connection->large_bytes;
  if (large_bytes_ + more > options_.max_large_bytes) return false;
  large_bytes_ += more;
  connection->large_bytes = bytes;
  return true;
}

bool HttpConnections::BeginChunks(Connection* connection, size_t head) {
  const std::string coded = connection->in.substr(head);
  connection->in.resize(head);
  connection->head_bytes = head;
  connection->chunks.emplace(options_.max_body_bytes);
  return TakeChunks(connection, coded);
}

bool HttpConnections::TakeChunks(Connection* connection,
                                 absl::string_view coded) {
  std::string& in = connection->in;
  const ChunkedBody::Result result = connection->chunks->Take(&coded, &in);
  // What came is at most a buffer more than there was room for.
  if (!HasRoomFor(connection, in.size() - connection->head_bytes)) {
    return Refuse(connection, Refusal::kHttpBody, kManyBodies);
  }
  switch (result) {
    case ChunkedBody::Result::kMore:
      return true;
    case ChunkedBody::Result::kMalformed:
      return Refuse(connection, Refusal::kHttpBody, kBadLength);
    case ChunkedBody::Result::kTooLong:
      return Refuse(connection, Refusal::kHttpBody, kLargeBody);
    case ChunkedBody::Result::kWhole:
      break;
  }
  connection->next = std::string(coded);
  Ask(connection);
  return true;
}

// Goes on as Write says.
bool HttpConnections::Refuse(Connection* connection, Refusal why,
                             const char* answer) {
  refused_(why);
  connection->out.text = answer;
  connection->state = State::kWriting;
  connection->until = model::SteadyNow() + options_.write_time;
  return Write(connection);
}

void HttpConnections::Ask(Connection* connection) {
  connection->state = State::kAnswering;
  PeerCertificate certificate = connection->stream.Peer();
  connection->peer.subject = std::move(certificate.subject);
  connection->peer.certificates = std::move(certificate.issuers_and_serials);
  absl::MutexLock lock(&mutex_);
  asked_.push_back(
      {connection->id, connection->peer, std::move(connection->in)});
}

void HttpConnections::TakeAnswers() {
  uint64_t count = 0;
  (void)!read(wake_, &count, sizeof(count));
  std::deque<Answered> answered;
  {
    absl::MutexLock lock(&mutex_);
    answered.swap(answered_);
  }
  for (Answered& job : answered) {
    const auto it =
        std::find_if(connections_.begin(), connections_.end(),
                     [&job](const Connection& c) { return c.id == job.id; });
    it->out = std::move(job.answer);
    large_bytes_ -= it->large_bytes;
    it->large_bytes = 0;
    it->state = State::kWriting;
    it->until = model::SteadyNow() + options_.write_time;
    if (!Try(&HttpConnections::Write, &*it)) Close(it);
  }
}

bool HttpConnections::Write(Connection* connection) {
  const std::string& out = connection->out.text;
  while (connection->sent < out.size()) {
    const ssize_t n = connection->stream.Send(out.data() + connection->sent,
                                              out.size() - connection->sent);
    if (n <= 0) return n < 0;
    connection->sent += static_cast<size_t>(n);
  }
  return connection->out.keeps_open && BeginNext(connection);
}

void HttpConnections::CloseLate(absl::Time now) {
  for (auto it = connections_.begin(); it != connections_.end();) {
    const bool late = it->state != State::kAnswering && it->until <= now;
    if (late && !it->idle) refused_(Refusal::kHttpTime);
    it = late ? Close(it) : std::next(it);
  }
}

std::list<HttpConnections::Connection>::iterator HttpConnections::Close(
    std::list<Connection>::iterator it) {
  it->stream.Close();
  large_bytes_ -= it->large_bytes;
  shutdown(it->fd, SHUT_WR);
  close(it->fd);
  return connections_.erase(it);
}

}  // namespace taud::server
