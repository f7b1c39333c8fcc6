#include "server/api/http_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "openssl/err.h"

namespace taud::server {
namespace {

bool WouldBlock() { return errno == EAGAIN || errno == EINTR; }
// OpenSSL takes an int.
constexpr size_t kMostAtOnce = size_t{1} << 20;

}  // namespace

HttpStream::HttpStream(int fd, SSL_CTX* context) : fd_(fd), events_(POLLIN) {
  if (context == nullptr) return;
  ssl_.reset(SSL_new(context));
  if (ssl_ == nullptr) fd_ = -1;  // never in the clear instead
  if (ssl_ == nullptr) return;
  SSL_set_fd(ssl_.get(), fd);
  SSL_set_accept_state(ssl_.get());
}

ssize_t HttpStream::Receive(char* to, size_t size) {
  if (ssl_ == nullptr) {
    const ssize_t n = recv(fd_, to, size, 0);
    events_ = POLLIN;
    return n < 0 && !WouldBlock() ? 0 : n;
  }
  return Outcome(
      SSL_read(ssl_.get(), to, static_cast<int>(std::min(size, kMostAtOnce))));
}

ssize_t HttpStream::Send(const char* from, size_t size) {
  if (ssl_ == nullptr) {
    const ssize_t n = send(fd_, from, size, MSG_NOSIGNAL);
    events_ = POLLOUT;
    return n < 0 && !WouldBlock() ? 0 : n;
  }
  return Outcome(SSL_write(ssl_.get(), from,
                           static_cast<int>(std::min(size, kMostAtOnce))));
}

ssize_t HttpStream::Outcome(int result) {
  if (result > 0) return result;
  const int error = SSL_get_error(ssl_.get(), result);
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    events_ = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    return -1;
  }
  ssl_.reset();  // nothing more may be said after an error
  fd_ = -1;
  return 0;
}

PeerCertificate HttpStream::Peer() const {
  return ssl_ == nullptr ? PeerCertificate() : PeerCertificateOf(ssl_.get());
}

void HttpStream::Close() {
  if (ssl_ == nullptr || SSL_in_init(ssl_.get()) != 0) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

}  // namespace taud::server
