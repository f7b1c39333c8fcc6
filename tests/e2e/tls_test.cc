// TLS and client certificates, over gRPC and HTTP, against a real daemon.

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/e2e/tls_testing.h"

namespace taud::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST_F(TlsTest, SpeaksTlsAndNothingElse) {
  MakeCa("other");
  Start();
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  EXPECT_TRUE(Ask(Channel("ca")).ok());
  EXPECT_EQ(Ask(Channel("ca"), false).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Ask(Channel("other")).error_code(), grpc::UNAVAILABLE);
  EXPECT_EQ(Ask(daemon_->channel()).error_code(), grpc::UNAVAILABLE);

  EXPECT_THAT(Curl("/healthz", "").text, HasSubstr("ok"));
  EXPECT_THAT(Curl("/v1/status", WithToken()).text,
              HasSubstr("\"phase\":\"SERVING\""));
  EXPECT_THAT(Curl("/v1/status", "").text, HasSubstr("\"code\":16,"));
  EXPECT_THAT(Curl("/metrics", WithToken()).text,
              HasSubstr("taud_tls_certificate_expiry_seconds 1"));
  EXPECT_NE(Shell(absl::StrCat("curl -s http://127.0.0.1:",
                               daemon_->http_port(), "/healthz"))
                .code,
            0);
  // The page is larger than a record of TLS.
  EXPECT_EQ(Curl("/app.js", "-o /dev/null -w %{http_code}").text, "200");
}

TEST_F(TlsTest, OldVersionsAndWeakCiphersAreRefused) {
  Start();
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  for (const int port : {grpc_port(), daemon_->http_port()}) {
    const auto meets = [port](const char* how) {
      // gRPC ends the connection of who does not speak HTTP/2.
      return Shell(absl::StrCat("openssl s_client -alpn h2 -connect "
                                "127.0.0.1:",
                                port, " ", how, " </dev/null"))
          .code;
    };
    EXPECT_EQ(meets("-tls1_3"), 0);
    EXPECT_EQ(meets("-tls1_2"), 0);
    EXPECT_NE(meets("-tls1_1 -cipher DEFAULT@SECLEVEL=0"), 0);
    EXPECT_NE(meets("-tls1_2 -cipher AES128-SHA:AES128-GCM-SHA256"), 0);
  }
}

TEST_F(TlsTest, AClientIsKnownByItsCertificate) {
  MakeCa("clients");
  MakeCa("strangers");
  MakeCertificate("watcher", "clients", "/O=Acme/CN=watcher");
  MakeCertificate("nobody", "clients", "/O=Acme/CN=nobody");
  MakeCertificate("forged", "strangers", "/O=Acme/CN=watcher");
  MakeCertificate("late", "clients", "/O=Acme/CN=watcher", -1);
  Start({"tls.client_ca_file=" + Path("clients.pem")});
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  EXPECT_TRUE(Ask(Channel("ca", "watcher"), false).ok());
  EXPECT_TRUE(Ask(Channel("ca")).ok()) << "a token will do";
  EXPECT_EQ(Ask(Channel("ca"), false).error_code(), grpc::UNAUTHENTICATED);
  EXPECT_EQ(Ask(Channel("ca", "nobody"), false).error_code(),
            grpc::UNAUTHENTICATED);
  EXPECT_EQ(Ask(Channel("ca", "forged"), false).error_code(),
            grpc::UNAVAILABLE);
  EXPECT_EQ(Ask(Channel("ca", "late"), false).error_code(), grpc::UNAVAILABLE);

  const auto as = [this](const std::string& name) {
    return absl::StrCat("--cert ", Path(name), ".pem --key ", Path(name),
                        ".key");
  };
  EXPECT_THAT(Curl("/v1/status", as("watcher")).text,
              HasSubstr("\"phase\":\"SERVING\""));
  EXPECT_THAT(
      Curl("/v1/publish", as("watcher") + " -X POST -d {} -H 'Content-Type: "
                                          "application/json' -H "
                                          "'X-Taud-Request: 1'")
          .text,
      HasSubstr("the role operate is needed"));
  EXPECT_THAT(Curl("/v1/status", as("nobody")).text, HasSubstr("\"code\":16,"));
  EXPECT_NE(Curl("/v1/status", as("forged")).code, 0);
  EXPECT_NE(Curl("/v1/status", as("late")).code, 0);
  // What the daemon tells itself of a caller, told by a stranger.
  grpc::ClientContext context;
  context.AddMetadata("x-taud-inner-secret", "");
  context.AddMetadata("x-taud-inner-subject-bin", "CN=watcher,O=Acme");
  v1::Status status;
  EXPECT_EQ(v1::ModelService::NewStub(Channel("ca"))
                ->GetStatus(&context, v1::GetStatusRequest(), &status)
                .error_code(),
            grpc::UNAUTHENTICATED);
}

TEST_F(TlsTest, FilesThatEverybodyMayWriteToDoNotStart) {
  Install("server");
  std::filesystem::permissions(Path("live.key"),
                               std::filesystem::perms::others_write,
                               std::filesystem::perm_options::add);
  Start();
  EXPECT_EQ(daemon_->Wait(), 1);
  EXPECT_THAT(daemon_->log(), HasSubstr("everybody may write to it"));
}

TEST_F(TlsTest, WithoutACertificateNobodyConnectsIfOneIsRequired) {
  MakeCa("clients");
  MakeCertificate("watcher", "clients", "/O=Acme/CN=watcher");
  Start({"tls.client_ca_file=" + Path("clients.pem"),
         "tls.require_client_certificate=true"});
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  EXPECT_EQ(Ask(Channel("ca")).error_code(), grpc::UNAVAILABLE);
  EXPECT_TRUE(Ask(Channel("ca", "watcher"), false).ok());
  EXPECT_NE(Curl("/healthz", "").code, 0);
  EXPECT_THAT(Curl("/healthz", absl::StrCat("--cert ", Path("watcher.pem"),
                                            " --key ", Path("watcher.key")))
                  .text,
              HasSubstr("ok"));
}

TEST_F(TlsTest, CertificatesAreReplacedUnderLoad) {
  // More connections a second than a client of the kind opens.
  Start({"server.max_new_connections_per_host=0"});
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  const auto kept = Channel("ca");
  ASSERT_TRUE(Ask(kept).ok());
  std::atomic<int> calls{0};
  std::atomic<int> failed{0};
  absl::Notification over;
  const auto load = [&](bool anew) {
    while (!over.HasBeenNotified()) {
      if (!Ask(anew ? Channel("ca") : kept).ok()) ++failed;
      if (anew && Curl("/healthz", "").code != 0) ++failed;
      ++calls;
    }
  };
  std::thread on_one([&] { load(false); });
  std::thread on_new([&] { load(true); });
  std::string before = Serial(grpc_port());
  constexpr int kSwaps = 5;
  for (int swap = 0; swap < kSwaps; ++swap) {
    const std::string name = absl::StrCat("next", swap);
    MakeCertificate(name, "ca", "/CN=localhost");
    const std::string wanted =
        Shell("openssl x509 -noout -serial -in " + Path(name + ".pem")).text;
    ASSERT_NE(wanted, before);
    Install(name);
    // Within the patience of the test's own time limit.
    while (Serial(grpc_port()) != wanted ||
           Serial(daemon_->http_port()) != wanted) {
    }
    before = wanted;
  }
  over.Notify();
  on_one.join();
  on_new.join();
  EXPECT_EQ(failed, 0) << "of " << calls;
  RecordProperty("calls", calls);
  std::cout << kSwaps << " certificates, " << calls << " calls, " << failed
            << " failed\n";
}

TEST_F(TlsTest, ABadCertificateLeavesTheOneBefore) {
  MakeCertificate("late", "ca", "/CN=localhost", -1);
  MakeCertificate("next", "ca", "/CN=localhost");
  Start();
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  const std::string before = Serial(grpc_port());
  Install("late");
  ASSERT_TRUE(daemon_->WaitForLog("has expired on")) << daemon_->log();
  EXPECT_EQ(Serial(grpc_port()), before);
  EXPECT_EQ(Serial(daemon_->http_port()), before);
  EXPECT_TRUE(Ask(Channel("ca")).ok());
  EXPECT_THAT(Curl("/v1/status", WithToken()).text, HasSubstr("file_not_read"));
  // The key of another certificate.
  std::filesystem::copy_file(Path("ca.key"), Path("live.key"),
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::copy_file(Path("next.pem"), Path("live.pem"),
                             std::filesystem::copy_options::overwrite_existing);
  ASSERT_TRUE(daemon_->WaitForLog("is not the key of the certificate"));
  EXPECT_TRUE(Ask(Channel("ca")).ok());
  Install("next");
  ASSERT_TRUE(daemon_->WaitForLog("read again what=tls"));
  EXPECT_NE(Serial(grpc_port()), before);
  EXPECT_THAT(Curl("/v1/status", WithToken()).text,
              Not(HasSubstr("file_not_read")));
}

TEST_F(TlsTest, AnExpiredCertificateDoesNotStart) {
  MakeCertificate("late", "ca", "/CN=localhost", -1);
  Install("late");
  Start();
  EXPECT_EQ(daemon_->Wait(), 1);
  EXPECT_THAT(daemon_->log(), HasSubstr("has expired on"));
}

TEST_F(TlsTest, StandsInTheOpenWithTlsAndTokens) {
  Start({"server.grpc_address=0.0.0.0:0", "server.http_address=0.0.0.0:0"});
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  EXPECT_TRUE(Ask(Channel("ca")).ok());
  EXPECT_THAT(daemon_->log(), Not(HasSubstr("insecure")));
}

TEST_F(TlsTest, TauctlSpeaksTls) {
  MakeCa("clients");
  MakeCertificate("watcher", "clients", "/O=Acme/CN=watcher");
  Start({"tls.client_ca_file=" + Path("clients.pem")});
  ASSERT_TRUE(daemon_->WaitUntilServing()) << daemon_->log();
  std::ofstream(Path("token")) << token_.text << "\n";
  std::string tauctl = TAUCTL_BINARY " --server " + daemon_->grpc_address();
#ifdef __SANITIZE_ADDRESS__
  // gRPC ends a connection on threads of its own, which the end of the process
  // overtakes now and then: a part of TLS counts as leaked.
  tauctl = "ASAN_OPTIONS=detect_leaks=0 " + tauctl;
#endif
  const std::string ca = " --ca " + Path("ca.pem");
  const std::string token = " --token-file " + Path("token");
  EXPECT_EQ(Shell(tauctl + ca + token + " status").code, 0);
  EXPECT_EQ(
      Shell("TAUD_CA=" + Path("ca.pem") + " " + tauctl + token + " status")
          .code,
      0);
  EXPECT_EQ(Shell(tauctl + ca + " --cert " + Path("watcher.pem") + " --key " +
                  Path("watcher.key") + " status")
                .code,
            0);
  EXPECT_EQ(Shell(tauctl + ca + token + " --server-name localhost status").code,
            0);
  // Another name, nobody who vouches, and no TLS at all.
  for (const std::string& wrong :
       {ca + token + " --server-name elsewhere", " --tls" + token, token}) {
    EXPECT_EQ(Shell(tauctl + wrong + " --timeout 5 status").code, 1) << wrong;
  }
}

}  // namespace
}  // namespace taud::e2e
