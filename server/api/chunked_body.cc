#include "server/api/chunked_body.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"

namespace taud::server {

bool ChunkedBody::TakeLine(absl::string_view* coded, Result* result) {
  const size_t end = coded->find('\n');
  const size_t taken = end == absl::string_view::npos ? coded->size() : end + 1;
  if (line_.size() + taken > kMaxLineBytes) {
    *result = Result::kMalformed;
    return false;
  }
  framing_bytes_ += taken;
  if (framing_bytes_ > kMaxFramingBytes + taken_) {
    *result = Result::kMalformed;
    return false;
  }
  line_.append(coded->data(), taken);
  coded->remove_prefix(taken);
  if (end == absl::string_view::npos) {
    *result = Result::kMore;
    return false;
  }
  if (!absl::EndsWith(line_, "\r\n")) {
    *result = Result::kMalformed;
    return false;
  }
  line_.resize(line_.size() - 2);
  return true;
}

// By the line that begins it.
ChunkedBody::Result ChunkedBody::BeginChunk() {
  const std::string line = std::exchange(line_, {});
  if (absl::StrContains(line, '\r')) return Result::kMalformed;
  const auto is_digit = [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c));
  };
  const auto end = std::find_if_not(line.begin(), line.end(), is_digit);
  const std::string digits(line.begin(), end);
  // Behind the number an extension may stand, after blanks.
  absl::string_view rest = absl::string_view(line).substr(digits.size());
  const size_t blanks = std::min(rest.find_first_not_of(" \t"), rest.size());
  const bool blanks_alone = blanks > 0 && blanks == rest.size();
  rest.remove_prefix(blanks);
  uint64_t bytes = 0;
  if (digits.empty() || digits.size() > 16 ||
      !absl::SimpleHexAtoi(digits, &bytes) || blanks_alone ||
      !(rest.empty() || rest[0] == ';')) {
    return Result::kMalformed;
  }
  if (bytes > max_bytes_ - taken_) return Result::kTooLong;
  left_ = static_cast<size_t>(bytes);
  taken_ += left_;
  state_ = left_ == 0 ? State::kTrailer : State::kData;
  return Result::kMore;
}

ChunkedBody::Result ChunkedBody::Take(absl::string_view* coded,
                                      std::string* body) {
  Result result = Result::kMore;
  while (!coded->empty()) {
    if (state_ == State::kData) {
      const size_t n = std::min(left_, coded->size());
      body->append(coded->data(), n);
      coded->remove_prefix(n);
      left_ -= n;
      if (left_ == 0) state_ = State::kDataEnd;
      continue;
    }
    if (!TakeLine(coded, &result)) return result;
    switch (state_) {
      case State::kSize:
        result = BeginChunk();
        if (result != Result::kMore) return result;
        break;
      case State::kDataEnd:
        if (!line_.empty()) return Result::kMalformed;
        state_ = State::kSize;
        break;
      case State::kTrailer:
        if (line_.empty()) return Result::kWhole;
        trailer_bytes_ += line_.size();
        if (trailer_bytes_ > kMaxTrailerBytes) return Result::kMalformed;
        line_.clear();
        break;
      case State::kData:
        break;
    }
  }
  return Result::kMore;
}

}  // namespace taud::server
