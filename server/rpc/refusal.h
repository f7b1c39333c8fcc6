#ifndef TAUD_SERVER_RPC_REFUSAL_H_
#define TAUD_SERVER_RPC_REFUSAL_H_

#include <cstddef>

namespace taud::server {

// The limits that refuse something, or end it: what taud_refused_total counts.
enum class Refusal {
  kConnections,      // of the gRPC port: server.max_connections
  kDescriptors,      // the process has too few left
  kHttpConnections,  // of the HTTP port: the oldest makes room
  kHttpHead,         // a request that is too long
  kHttpBody,         // a body that is too large, or of no known length
  kHttpHost,         // a request for a host that is not ours
  kHttpOrigin,       // a request that another site's page has sent
  kHttpCalls,        // of the API over HTTP, under way at a time
  kHttpTime,         // a request, or the reading of its answer, took too long
  kMessageBytes,     // server.max_message_bytes
  kAnswerBytes,      // server.max_response_bytes
  kAnswerTime,       // nobody read the answer: server.answer_seconds
  kMemory,           // serving.max_request_memory_mib
  kRate,             // serving.requests_per_client
  kQueue,            // serving.max_queue, serving.max_wait_ms
  kCredential,       // a call without a credential, or with one that is unknown
  kRole,             // a call that the caller's roles do not allow
  kCredentialLimit,  // limits of a line of auth.tokens_file, or of auth
  kAudit,            // a call that the audit log could not tell of
  kUsers,            // store.max_users
  kItems,            // store.max_items
  kHostConnections,  // of the gRPC port: server.max_connections_per_host
  kHostRate,         // of the gRPC port: server.max_new_connections_per_host
  kWeight,           // heavier than its caller may write: max_weight
};

inline constexpr const char* kRefusalNames[] = {
    "connections",
    "descriptors",
    "http_connections",
    "http_head",
    "http_body",
    "http_host",
    "http_origin",
    "http_calls",
    "http_time",
    "message_bytes",
    "answer_bytes",
    "answer_time",
    "memory",
    "rate",
    "queue",
    "credential",
    "role",
    "credential_limit",
    "audit",
    "users",
    "items",
    "host_connections",
    "host_rate",
    "weight",
};
inline constexpr size_t kNumRefusals =
    sizeof(kRefusalNames) / sizeof(kRefusalNames[0]);
static_assert(kNumRefusals == static_cast<size_t>(Refusal::kWeight) + 1);

}  // namespace taud::server

#endif  // TAUD_SERVER_RPC_REFUSAL_H_
