#ifndef TAUD_TESTS_E2E_TLS_TESTING_H_
#define TAUD_TESTS_E2E_TLS_TESTING_H_

// A real daemon with TLS, and the certificates of both sides, which are made by
// openssl's command.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "auth/credentials.h"
#include "auth/token.h"
#include "grpc/grpc_security.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "gtest/gtest.h"
#include "tests/e2e/api_client.h"
#include "tests/e2e/shell.h"

namespace taud::e2e {

inline std::string ReadFile(const std::string& path) {
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

}  // namespace taud::e2e

#endif  // TAUD_TESTS_E2E_TLS_TESTING_H_
