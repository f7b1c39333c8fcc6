#ifndef TAUD_SERVER_API_CHUNKED_BODY_H_
#define TAUD_SERVER_API_CHUNKED_BODY_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace taud::server {

// Takes the chunked coding (RFC 9112, section 7.1) off a body while it comes,
// in pieces of any size:
//
//   4\r\nabcd\r\n 2;name=value\r\nef\r\n 0\r\nTrailer: x\r\n\r\n  is  abcdef
//
// Extensions and trailers are passed over, within kMaxLineBytes for a line,
// kMaxTrailerBytes for all trailers, and as many bytes for all that is not body
// as the body has so far and kMaxFramingBytes: a byte of body must not cost the
// work of 256. Strict otherwise: whoever stands between
// a client and the daemon must not see another end of the body than it does.
// Thread-compatible.
class ChunkedBody {
 public:
  static constexpr size_t kMaxLineBytes = 256;
  static constexpr size_t kMaxTrailerBytes = 4096;
  static constexpr size_t kMaxFramingBytes = size_t{64} << 10;

  enum class Result {
    kMore,       // all was taken, and the body has not ended
    kWhole,      // it has ended; what is left belongs to the next request
    kMalformed,  // nothing after it can be read
    kTooLong,    // a chunk would make the body longer than it may be
  };

  explicit ChunkedBody(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Takes from the front of *coded, and appends what it says to *body. After
  // any result but kMore it is not to be called again.
  Result Take(absl::string_view* coded, std::string* body);

 private:
  enum class State { kSize, kData, kDataEnd, kTrailer };

  // True: line_ is a whole line, without its end. Else *result says why not.
  bool TakeLine(absl::string_view* coded, Result* result);
  Result BeginChunk();

  const size_t max_bytes_;
  State state_ = State::kSize;
  std::string line_;  // what has come of one
  size_t left_ = 0;   // of the chunk
  size_t taken_ = 0;  // of the body, with the whole chunk
  size_t trailer_bytes_ = 0;
  size_t framing_bytes_ = 0;  // of all that is not body
};

}  // namespace taud::server

#endif  // TAUD_SERVER_API_CHUNKED_BODY_H_
