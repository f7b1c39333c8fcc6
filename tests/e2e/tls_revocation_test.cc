// Certificates of clients, and of those who signed them, that were taken back.

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpc/grpc_security.h"
#include "gtest/gtest.h"
#include "tests/e2e/tls_testing.h"

namespace taud::e2e {
namespace {

using testing::HasSubstr;

TEST_F(TlsTest, ARevokedCertificateIsNoCredential) {
  MakeCa("clients");
  MakeCa("strangers");
  MakeCertificate("watcher", "clients", "/O=Acme/CN=watcher");
  MakeCertificate("lost", "clients", "/O=Acme/CN=watcher");
  MakeRevocations("clients", {}, "list");
  Start({"tls.client_ca_file=" + Path("clients.pem"),
         "tls.client_crl_file=" + Path("list")});
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  const auto page = [this](const std::string& name) {
    return Curl("/v1/status", absl::StrCat("--cert ", Path(name), ".pem --key ",
                                           Path(name), ".key"))
        .text;
  };
  const auto kept = Channel("ca", "lost");
  EXPECT_TRUE(Ask(kept, false).ok());
  EXPECT_THAT(page("lost"), HasSubstr("\"phase\":\"SERVING\""));

  MakeRevocations("clients", {"lost"}, "list");
  ASSERT_TRUE(daemon_->WaitForLog("read again what=tls")) << daemon_->log();
  EXPECT_EQ(Ask(kept, false).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Ask(Channel("ca", "lost"), false).error_code(),
            grpc::UNAUTHENTICATED);
  EXPECT_THAT(page("lost"), HasSubstr("\"code\":16,"));
  EXPECT_TRUE(Ask(Channel("ca", "watcher"), false).ok()) << "the new one";
  EXPECT_THAT(page("watcher"), HasSubstr("\"phase\":\"SERVING\""));

  // Whose list it is not cannot let anybody in again, and keeps no new
  // certificate of the server out.
  MakeCa("other");
  MakeCertificate("next", "other", "/CN=localhost");
  MakeRevocations("strangers", {}, "bad");
  Install("next");
  std::filesystem::rename(Path("bad"), Path("list"));
  ASSERT_TRUE(daemon_->WaitForLog("that no certificate of tls.client_ca_file"))
      << daemon_->log();
  EXPECT_EQ(Ask(kept, false).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_TRUE(Ask(Channel("other", "watcher"), false).ok());
  EXPECT_EQ(Ask(Channel("other", "lost"), false).error_code(),
            grpc::UNAUTHENTICATED);
}

// The client sends the CA between, or the file of CAs has it.
TEST_F(TlsTest, WhatARevokedCaHasSignedIsNoCredential) {
  MakeCa("clients");
  MakeCertificate("between", "clients", "/CN=between", 30,
                  "basicConstraints=critical,CA:TRUE");
  MakeCertificate("alone", "between", "/O=Acme/CN=watcher");
  MakeCertificate("direct", "clients", "/O=Acme/CN=watcher");
  std::filesystem::copy_file(Path("alone.key"), Path("chain.key"));
  std::ofstream(Path("chain.pem"))
      << ReadFile(Path("alone.pem")) << ReadFile(Path("between.pem"));
  std::ofstream(Path("both.pem"))
      << ReadFile(Path("between.pem")) << ReadFile(Path("clients.pem"));
  const auto page = [this](const std::string& name) {
    return Curl("/v1/status", absl::StrCat("--cert ", Path(name), ".pem --key ",
                                           Path(name), ".key"))
        .text;
  };
  const std::vector<std::pair<std::string, std::string>> ways = {
      {"clients", "chain"}, {"both", "alone"}};
  for (const auto& [cas, client] : ways) {
    SCOPED_TRACE(client);
    daemon_.reset();  // of the way before
    MakeRevocations("clients", {}, "list");
    Start({"tls.client_ca_file=" + Path(cas + ".pem"),
           "tls.client_crl_file=" + Path("list")});
    ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
    const auto kept = Channel("ca", client);
    EXPECT_TRUE(Ask(kept, false).ok());
    EXPECT_THAT(page(client), HasSubstr("\"phase\":\"SERVING\""));

    MakeRevocations("clients", {"between"}, "list");
    ASSERT_TRUE(daemon_->WaitForLog("read again what=tls")) << daemon_->log();
    EXPECT_EQ(Ask(kept, false).error_code(), grpc::UNAUTHENTICATED);
    EXPECT_EQ(Ask(Channel("ca", client), false).error_code(),
              grpc::UNAUTHENTICATED);
    EXPECT_THAT(page(client), HasSubstr("\"code\":16,"));
    EXPECT_TRUE(Ask(Channel("ca", "direct"), false).ok());
    EXPECT_THAT(page("direct"), HasSubstr("\"phase\":\"SERVING\""));

    // A session that is resumed has the client's own certificate alone.
    for (const std::string& one : {client, std::string("direct")}) {
      grpc_ssl_session_cache* const sessions =
          grpc_ssl_session_cache_create_lru(8);
      bool resumed = false;
      for (int call = 0; call < 100 && !resumed; ++call) {
        const auto channel = Channel("ca", one, sessions);
        EXPECT_EQ(Ask(channel, false, &resumed).ok(), one == "direct");
      }
      EXPECT_TRUE(resumed) << one;
      grpc_ssl_session_cache_destroy(sessions);
    }
  }
}

TEST_F(TlsTest, AStreamEndsWhenItsCertificateIsRevoked) {
  MakeCa("clients");
  MakeCertificate("lost", "clients", "/O=Acme/CN=feed");
  std::ofstream(Path("tokens"), std::ios::app)
      << R"({"name": "feed", "subject": "CN=feed,O=Acme", )"
      << R"("roles": ["ingest"]})"
      << "\n";
  MakeRevocations("clients", {}, "list");
  Start({"tls.client_ca_file=" + Path("clients.pem"),
         "tls.client_crl_file=" + Path("list")});
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  const auto stub = v1::IngestionService::NewStub(Channel("ca", "lost"));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(60));
  const auto stream = stub->Ingest(&context);
  v1::IngestRequest request;
  request.set_batch_id(1);
  auto* interaction = request.add_interactions();
  interaction->set_user_id("u");
  interaction->set_item_id("i");
  v1::IngestAck ack;
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Read(&ack));
  EXPECT_EQ(ack.accepted(), 1U);

  MakeRevocations("clients", {"lost"}, "list");
  ASSERT_TRUE(daemon_->WaitForLog("read again what=tls")) << daemon_->log();
  request.set_batch_id(2);
  stream->Write(request);
  EXPECT_FALSE(stream->Read(&ack));
  EXPECT_EQ(stream->Finish().error_code(), grpc::UNAUTHENTICATED);
}

}  // namespace
}  // namespace taud::e2e
