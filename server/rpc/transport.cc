#include "server/rpc/transport.h"

#include <algorithm>
#include <thread>

#include "grpcpp/resource_quota.h"
#include "grpcpp/security/server_credentials.h"

namespace taud::server {
namespace {

constexpr int kPingTimeoutMs = 20000;
// However many pings a client sends, each is answered. To end the connection
// costs more: gRPC reads on, and makes an error of every ping that has come.
constexpr int kAnyNumberOfPings = 0;
constexpr int kMetadataBytes = 8192;
// Within which a connection must have said that it speaks HTTP/2.
constexpr int kHandshakeMs = 10000;
// A connection without a call is closed after.
constexpr int kIdleMs = 15 * 60 * 1000;
constexpr int kMostCallQueues = 8;
constexpr int32_t kTransportBytes = 64 << 20;

}  // namespace

void ConfigureConnections(const config::v1::Server& config,
                          grpc::ServerBuilder* builder) {
  // Two daemons must not share a port unnoticed.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // What is larger is refused by ourselves, with a reason; gRPC would say that
  // resources are exhausted, which clients take for a reason to try again.
  builder->SetMaxReceiveMessageSize(
      std::max(kTransportBytes, config.max_message_bytes()));
  builder->SetMaxSendMessageSize(-1);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                              config.max_streams_per_connection());
  // A client that is gone without a word is noticed, and its calls cancelled.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS,
                              config.keepalive_seconds() * 1000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingTimeoutMs);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES,
                              kAnyNumberOfPings);
  builder->AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytes);
  builder->AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS,
                              kHandshakeMs);
  builder->AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMs);
  // gRPC inflates before it looks at the size.
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  grpc::ResourceQuota quota("taud");
  quota.Resize(static_cast<size_t>(config.max_transport_mib()) << 20);
  builder->SetResourceQuota(quota);
}

void ConfigureTransport(const config::v1::Server& config,
                        grpc::ServerBuilder* builder, int* port) {
  ConfigureConnections(config, builder);
  builder->AddListeningPort(config.grpc_address(),
                            grpc::InsecureServerCredentials(), port);
}

int CallQueueCount() {
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()) / 2,
                    1, kMostCallQueues);
}

}  // namespace taud::server
