// Requests of the HTTP port, as HttpConnections hands them on, and a file of
// the dashboard's history: from their bytes to what the API would be asked.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "model/check.h"
#include "server/api/chunked_body.h"
#include "server/api/history.h"
#include "server/api/http_message.h"
#include "server/api/http_safety.h"
#include "server/api/json_routes.h"

namespace {

// Whatever the pieces in which it comes, a body in chunks is the same.
void TakeChunks(absl::string_view coded) {
  using taud::server::ChunkedBody;
  constexpr size_t kMost = 4096;
  const auto take = [&](size_t piece, std::string* body) {
    ChunkedBody chunks(kMost);
    ChunkedBody::Result result = ChunkedBody::Result::kMore;
    for (size_t at = 0;
         at < coded.size() && result == ChunkedBody::Result::kMore;
         at += piece) {
      absl::string_view view = coded.substr(at, piece);
      result = chunks.Take(&view, body);
    }
    return result;
  };
  std::string whole;
  std::string pieces;
  TAUD_CHECK(take(coded.size(), &whole) == take(1, &pieces));
  TAUD_CHECK(whole == pieces && whole.size() <= kMost);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taud::server;
  const absl::string_view input(reinterpret_cast<const char*>(data), size);
  const auto history = History::Decode(input);
  if (history.ok()) {
    TAUD_CHECK(history->size() <= History::kFine + History::kCoarse);
    TAUD_CHECK(!history->Json(0).empty());
  }
  const size_t end = input.find("\r\n\r\n");
  if (end == absl::string_view::npos) return 0;
  (void)BodyLengthOf(input.substr(0, end + 4));
  TakeChunks(input.substr(end + 4));
  const auto request = ParseHttpRequest(std::string(input));
  if (!request.has_value()) return 0;
  static const auto hosts = HttpHosts::Parse("127.0.0.1:9464", "taud.example");
  (void)CheckHost(*request, *hosts);
  static const auto origins = HttpOrigins::Parse("https://shop.example");
  if (CheckOrigin(*request, *origins).has_value()) {
    // Whatever else it says, what is marked as another site's is refused.
    return 0;
  }
  TAUD_CHECK(request->method != "POST" || !request->HasHeader("origin") ||
             origins->Allow(*request) ||
             request->Header("x-taud-request") == "1");
  const auto route = FindJsonRoute(*request);
  if (!route.ok()) {
    (void)WriteHttpResponse(JsonError(route.status(), ""), false);
    return 0;
  }
  const auto message = MakeRpcRequest(**route, *request);
  if (message.ok()) {
    (void)(*message)->SerializeAsString();
  } else {
    (void)WriteHttpResponse(JsonError(message.status(), ""), false);
  }
  return 0;
}
