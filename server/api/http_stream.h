#ifndef TAUD_SERVER_API_HTTP_STREAM_H_
#define TAUD_SERVER_API_HTTP_STREAM_H_

#include <sys/types.h>

#include <cstddef>

#include "server/rpc/openssl_pointers.h"
#include "server/rpc/tls_files.h"

namespace taud::server {

// The bytes of one connection, in the clear or under TLS, without ever waiting.
// One thread's. Owns neither the descriptor nor the context.
class HttpStream {
 public:
  HttpStream() = default;
  // `context` null: in the clear.
  HttpStream(int fd, SSL_CTX* context);

  // As recv and send: how many bytes; 0: it is over; -1: later, when the
  // descriptor is ready for what events() says.
  ssize_t Receive(char* to, size_t size);
  ssize_t Send(const char* from, size_t size);
  short events() const { return events_; }

  PeerCertificate Peer() const;
  // Says goodbye, so that the end cannot have been cut off.
  void Close();

 private:
  ssize_t Outcome(int result);

  int fd_ = -1;
  SslPointer ssl_;
  short events_ = 0;  // of the last call that came to nothing
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_HTTP_STREAM_H_
