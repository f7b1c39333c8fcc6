// TLS and client certificates, over gRPC and HTTP, against a real daemon. The
// certificates are made by openssl's command.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "auth/credentials.h"
#include "auth/token.h"
#include "gmock/gmock.h"
#include "grpc/grpc_security.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_client.h"
#include "tests/e2e/shell.h"

namespace taud::e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file),
                     std::istreambuf_iterator<char>());
}

class TlsTest : public testing::Test {
 protected:
  TlsTest() {
    MakeCa("ca");
    MakeCertificate("server", "ca", "/CN=localhost");
    token_ = *auth::MakeToken();
    auth::Credential credential;
    credential.name = "ops";
    credential.id = token_.id;
    credential.hash = token_.hash;
    credential.roles = auth::RoleSet::All();
    std::ofstream(Path("tokens"))
        << auth::CredentialLine(credential) << "\n"
        << R"({"name": "watcher", "subject": "CN=watcher,O=Acme", )"
        << R"("roles": ["observe"]})"
        << "\n";
  }

  std::string Path(const std::string& name) const {
    return directory_.path() + "/" + name;
  }
  void Openssl(const std::string& arguments) const {
    const Output done =
        Shell("cd " + directory_.path() + " && openssl " + arguments);
    ASSERT_EQ(done.code, 0) << arguments << "\n" << done.text;
  }
  void MakeCa(const std::string& name) const {
    Openssl(
        absl::StrCat("req -x509 -newkey ec -pkeyopt "
                     "ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=",
                     name, " -keyout ", name, ".key -out ", name, ".pem"));
  }
  // NAME.pem and NAME.key, good for `days` from now; of days below 0 expired.
  void MakeCertificate(const std::string& name, const std::string& ca,
                       const std::string& subject, int days = 30,
                       const std::string& extensions =
                           "subjectAltName=DNS:localhost,IP:127.0.0.1") const {
    Openssl(
        absl::StrCat("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
                     "-nodes -subj ",
                     subject, " -keyout ", name, ".key -out ", name, ".csr"));
    std::ofstream(Path("ext")) << extensions << "\n";
    Openssl(absl::StrCat("x509 -req -in ", name, ".csr -CA ", ca,
                         ".pem -CAkey ", ca,
                         ".key -CAcreateserial -extfile ext -days ", days,
                         " -out ", name, ".pem"));
  }
  // A list of what CA has taken back, as LIST: the certificates of `names`.
  void MakeRevocations(const std::string& ca,
                       const std::vector<std::string>& names,
                       const std::string& list) const {
    std::ofstream(Path("ca.conf"))
        << "[ca]\ndefault_ca=own\n[own]\ndatabase=index\ncrlnumber=number\n"
           "default_md=sha256\ndefault_crl_days=30\n";
    std::ofstream(Path("index")).flush();
    std::ofstream(Path("number")) << "01\n";
    const std::string by = absl::StrCat("ca -config ca.conf -keyfile ", ca,
                                        ".key -cert ", ca, ".pem ");
    for (const std::string& name : names) {
      Openssl(absl::StrCat(by, "-revoke ", name, ".pem"));
    }
    Openssl(absl::StrCat(by, "-gencrl -out new.crl"));
    std::filesystem::rename(Path("new.crl"), Path(list));
  }
  // Both files of the server; each is replaced as a whole, one after the other.
  void Install(const std::string& name) const {
    for (const char* kind : {".pem", ".key"}) {
      std::filesystem::copy_file(
          Path(name + kind), Path("new"),
          std::filesystem::copy_options::overwrite_existing);
      std::filesystem::rename(Path("new"), Path(std::string("live") + kind));
    }
  }

  void Start(const std::vector<std::string>& more = {}) {
    if (!std::filesystem::exists(Path("live.pem"))) Install("server");
    std::vector<std::string> arguments = QuickTraining();
    for (const std::string& setting :
         {"tls.certificate_file=" + Path("live.pem"),
          "tls.key_file=" + Path("live.key"),
          "auth.tokens_file=" + Path("tokens")}) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
    for (const std::string& setting : more) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
    daemon_ = std::make_unique<DaemonProcess>(Path("data"), arguments);
  }

  // With `sessions` TLS sessions are resumed, where there is one.
  std::shared_ptr<grpc::Channel> Channel(
      const std::string& ca, const std::string& client = "",
      grpc_ssl_session_cache* sessions = nullptr) const {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ReadFile(Path(ca + ".pem"));
    if (!client.empty()) {
      options.pem_cert_chain = ReadFile(Path(client + ".pem"));
      options.pem_private_key = ReadFile(Path(client + ".key"));
    }
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    if (sessions != nullptr) {
      const grpc_arg cache =
          grpc_ssl_session_cache_create_channel_arg(sessions);
      arguments.SetPointerWithVtable(cache.key, cache.value.pointer.p,
                                     cache.value.pointer.vtable);
    }
    return grpc::CreateCustomChannel(daemon_->grpc_address(),
                                     grpc::SslCredentials(options), arguments);
  }
  // *resumed: whether the TLS session was.
  grpc::Status Ask(const std::shared_ptr<grpc::Channel>& channel,
                   bool with_token = true, bool* resumed = nullptr) const {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(30));
    if (with_token) {
      context.AddMetadata("authorization", "Bearer " + token_.text);
    }
    v1::Status status;
    const grpc::Status answer = v1::ModelService::NewStub(channel)->GetStatus(
        &context, v1::GetStatusRequest(), &status);
    if (resumed != nullptr) {
      const auto said = context.auth_context()->FindPropertyValues(
          GRPC_SSL_SESSION_REUSED_PROPERTY);
      *resumed = !said.empty() && said[0] == "true";
    }
    return answer;
  }
  Output Curl(const std::string& path, const std::string& more) const {
    return Shell(
        absl::StrCat("curl -s -S --max-time 30 --cacert ", Path("ca.pem"), " ",
                     more, " https://127.0.0.1:", daemon_->http_port(), path));
  }
  std::string WithToken() const {
    return "-H 'Authorization: Bearer " + token_.text + "'";
  }
  // The serial number of the certificate that a new connection meets.
  std::string Serial(int port) const {
    return Shell(absl::StrCat("openssl s_client -connect 127.0.0.1:", port,
                              " </dev/null 2>/dev/null | openssl x509 -noout "
                              "-serial"))
        .text;
  }
  int grpc_port() const {
    const std::string address = daemon_->grpc_address();
    return std::stoi(address.substr(address.rfind(':') + 1));
  }

  TemporaryDirectory directory_;
  auth::NewToken token_;
  std::unique_ptr<DaemonProcess> daemon_;
};

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
