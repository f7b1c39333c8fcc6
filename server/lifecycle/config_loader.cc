#include "server/lifecycle/config_loader.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "model/utf8.h"
#include "yaml-cpp/yaml.h"

namespace taud::server {
namespace {

using config::v1::Config;
using config::v1::FieldRule;
using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

const FieldRule& RuleOf(const FieldDescriptor& field) {
  return field.options().GetExtension(config::v1::rule);
}

std::string Number(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15) {
    return absl::StrCat(static_cast<int64_t>(value));
  }
  return absl::StrCat(value);
}

std::string Allowed(const FieldDescriptor& field) {
  const FieldRule& rule = RuleOf(field);
  if (rule.one_of_size() > 0) {
    return absl::StrCat("one of ", absl::StrJoin(rule.one_of(), ", "));
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL) return "true or false";
  const std::string range =
      absl::StrCat(Number(rule.min()), " to ", Number(rule.max()));
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return absl::StrCat("a text of ", range, " bytes");
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat("a whole number from ", range);
    default:
      return absl::StrCat("a number from ", range);
  }
}

bool InRange(const FieldRule& rule, double value) {
  return value >= rule.min() && value <= rule.max();
}

// Whether `text` is `pattern`, where a last N stands for a number up to 63.
bool Matches(absl::string_view pattern, absl::string_view text) {
  if (!absl::ConsumeSuffix(&pattern, ":N")) return pattern == text;
  uint32_t number = 0;
  return absl::ConsumePrefix(&text, pattern) &&
         absl::ConsumePrefix(&text, ":") && !text.empty() &&
         absl::ascii_isdigit(text[0]) && text.size() <= 2 &&
         absl::SimpleAtoi(text, &number) && number <= 63;
}

// Sets `field` from its text; false if the text is not allowed.
bool SetField(const FieldDescriptor& field, const std::string& text,
              Message* message) {
  const FieldRule& rule = RuleOf(field);
  const auto* reflection = message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      // Not YAML's yes and on: what opens a door is spelt one way.
      if (text != "true" && text != "false") return false;
      reflection->SetBool(message, &field, text == "true");
      return true;
    case FieldDescriptor::CPPTYPE_INT32: {
      int32_t value = 0;
      if (!absl::SimpleAtoi(text, &value) || !InRange(rule, value)) {
        return false;
      }
      reflection->SetInt32(message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      double value = 0;
      if (!absl::SimpleAtod(text, &value) || !InRange(rule, value)) {
        return false;
      }
      reflection->SetDouble(message, &field, value);
      return true;
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const auto& one_of = rule.one_of();
      const bool allowed = one_of.empty()
                               ? InRange(rule, static_cast<double>(text.size()))
                               : std::any_of(one_of.begin(), one_of.end(),
                                             [&](const std::string& pattern) {
                                               return Matches(pattern, text);
                                             });
      // It could be neither printed nor told of otherwise.
      if (!allowed || !model::IsUtf8(text)) return false;
      reflection->SetString(message, &field, text);
      return true;
    }
    default:
      return false;  // The schema has no other type.
  }
}

std::string FieldText(const FieldDescriptor& field, const Message& message) {
  const auto* reflection = message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, &field) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(reflection->GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      // The shortest text that reads back as the same number.
      const double value = reflection->GetDouble(message, &field);
      std::ostringstream text;
      for (int digits = 6; digits <= 17; ++digits) {
        text.str("");
        text.precision(digits);
        text << value;
        if (std::stod(text.str()) == value) break;
      }
      return text.str();
    }
    default:
      return reflection->GetString(message, &field);
  }
}

// Digits only, up to five of them, behind a host; an IPv6 address in brackets.
bool IsHostAndPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  const absl::string_view host = address.substr(0, colon);
  const absl::string_view port = address.substr(colon + 1);
  const bool brackets = host[0] == '[';
  if (brackets ? host.back() != ']' || host.size() < 3
               : host.find(':') != absl::string_view::npos) {
    return false;
  }
  uint32_t number = 0;
  return !port.empty() && port.size() <= 5 &&
         std::all_of(port.begin(), port.end(), absl::ascii_isdigit) &&
         absl::SimpleAtoi(port, &number) && number <= 65535;
}

// Whether only this machine reaches `address`, a host:port. Names are not
// looked up: what they mean may change.
bool IsLoopback(absl::string_view address) {
  absl::string_view host = address.substr(0, address.rfind(':'));
  if (host == "localhost") return true;
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  const std::string text(host);
  in_addr four = {};
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) {
    return (ntohl(four.s_addr) >> 24) == IN_LOOPBACKNET;
  }
  in6_addr six = {};
  return inet_pton(AF_INET6, text.c_str(), &six) == 1 &&
         IN6_IS_ADDR_LOOPBACK(&six);
}

std::string KeysOf(const Descriptor& descriptor) {
  std::vector<std::string> keys;
  for (int i = 0; i < descriptor.field_count(); ++i) {
    keys.push_back(descriptor.field(i)->name());
  }
  return absl::StrJoin(keys, ", ");
}

class Reader {
 public:
  // `environment` outlives it.
  Reader(absl::string_view file, const Environment& environment)
      : file_(file), environment_(environment) {}

  // Reads a YAML mapping into `message`, noting every fault.
  void Read(const YAML::Node& node, const std::string& prefix,
            Message* message) {
    if (node.IsNull()) return;
    if (!node.IsMap()) {
      Fault(node, absl::StrCat(prefix.empty() ? "the file" : prefix,
                               " is not a mapping of keys to values"));
      return;
    }
    std::set<std::string> given;
    for (const auto& entry : node) {
      const auto key = entry.first.as<std::string>();
      const std::string path =
          prefix.empty() ? key : absl::StrCat(prefix, ".", key);
      if (!given.insert(key).second) {
        Fault(entry.first, absl::StrCat(path, ": given twice"));
        continue;
      }
      const FieldDescriptor* field =
          message->GetDescriptor()->FindFieldByName(key);
      if (field == nullptr) {
        Fault(entry.first, absl::StrCat(path, ": unknown key; allowed here: ",
                                        KeysOf(*message->GetDescriptor())));
        continue;
      }
      ReadField(entry.second, path, *field, message);
    }
  }

  void Fault(int line, absl::string_view what) {
    faults_.push_back(absl::StrCat(file_, ":", line, ": ", what));
  }

  absl::Status status() const {
    if (faults_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(faults_, "\n"));
  }

 private:
  void ReadField(const YAML::Node& node, const std::string& path,
                 const FieldDescriptor& field, Message* message) {
    if (field.message_type() != nullptr) {
      Read(node, path,
           message->GetReflection()->MutableMessage(message, &field));
      return;
    }
    if (!node.IsScalar()) {
      Fault(node, absl::StrCat(
                      path, ": not a single value; allowed: ", Allowed(field)));
      return;
    }
    std::string text = node.Scalar();
    if (!model::IsUtf8(text)) {
      return Fault(node, absl::StrCat(path, ": is not UTF-8"));
    }
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING &&
        absl::StrContains(text, "${")) {
      if (environment_ == nullptr) {
        message->GetReflection()->SetString(message, &field, text);
        return;
      }
      auto expanded = ExpandVariables(text, environment_);
      if (!expanded.ok()) {
        return Fault(node,
                     absl::StrCat(path, ": ", expanded.status().message()));
      }
      text = *std::move(expanded);
    }
    if (SetField(field, text, message)) return;
    // As it is in the file: what a variable has is told nobody.
    Fault(node, absl::StrCat(path, ": ", node.Scalar(),
                             " is not allowed; allowed: ", Allowed(field)));
  }

  void Fault(const YAML::Node& node, absl::string_view what) {
    Fault(node.Mark().line + 1, what);
  }

  const std::string file_;
  const Environment& environment_;
  std::vector<std::string> faults_;
};

void SetDefaults(Message* message) {
  const Descriptor& descriptor = *message->GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    if (field.message_type() != nullptr) {
      SetDefaults(message->GetReflection()->MutableMessage(message, &field));
    } else {
      SetField(field, RuleOf(field).default_value(), message);
    }
  }
}

// Appends `text` as comment lines of at most 78 columns.
void AppendComment(absl::string_view indent, absl::string_view text,
                   std::string* out) {
  std::string line = absl::StrCat(indent, "#");
  for (const absl::string_view word :
       absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    if (line.size() + 1 + word.size() > 78) {
      absl::StrAppend(out, line, "\n");
      line = absl::StrCat(indent, "#");
    }
    absl::StrAppend(&line, " ", word);
  }
  absl::StrAppend(out, line, "\n");
}

std::string Describe(const FieldDescriptor& field) {
  const FieldRule& rule = RuleOf(field);
  std::string text = absl::StrCat(rule.doc(), " Allowed: ", Allowed(field));
  if (!rule.unit().empty()) absl::StrAppend(&text, " (", rule.unit(), ")");
  const std::string value = rule.default_value();
  return absl::StrCat(text, ". Default: ", value.empty() ? "nothing" : value,
                      ".");
}

bool AsksForCredentials(const config::v1::Auth& auth) {
  return !auth.tokens_file().empty() || !auth.jwks_file().empty();
}

absl::Status CheckAuth(const config::v1::Auth& auth) {
  const bool limits = auth.requests_per_second() > 0 ||
                      auth.interactions_per_second() > 0 ||
                      auth.bytes_per_second() > 0 || auth.streams() > 0 ||
                      auth.max_weight() > 0;
  if (limits && !AsksForCredentials(auth)) {
    return absl::InvalidArgumentError(
        "auth.requests_per_second, auth.interactions_per_second, "
        "auth.bytes_per_second, auth.streams and auth.max_weight: without "
        "auth.tokens_file and auth.jwks_file nobody is told apart");
  }
  if (auth.jwks_file().empty() ||
      (!auth.jwt_issuer().empty() && !auth.jwt_audience().empty())) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "auth.jwks_file: needs auth.jwt_issuer and auth.jwt_audience; a JWT for "
      "somebody else would be taken");
}

absl::Status CheckTls(const config::v1::Tls& tls,
                      const config::v1::Auth& auth) {
  const bool certificate = !tls.certificate_file().empty();
  if (certificate == tls.key_file().empty()) {
    return absl::InvalidArgumentError(
        "tls.certificate_file and tls.key_file: both are needed, or neither");
  }
  if (!certificate && !tls.client_ca_file().empty()) {
    return absl::InvalidArgumentError(
        "tls.client_ca_file: without tls.certificate_file there is no TLS");
  }
  if (tls.require_client_certificate() && tls.client_ca_file().empty()) {
    return absl::InvalidArgumentError(
        "tls.require_client_certificate: needs tls.client_ca_file");
  }
  if (!tls.client_crl_file().empty() && tls.client_ca_file().empty()) {
    return absl::InvalidArgumentError(
        "tls.client_crl_file: needs tls.client_ca_file");
  }
  if (!tls.client_crl_file().empty() && !AsksForCredentials(auth)) {
    return absl::InvalidArgumentError(
        "tls.client_crl_file: needs auth.tokens_file or auth.jwks_file; "
        "nobody is asked for a credential, and who is revoked may do all");
  }
  return absl::OkStatus();
}

absl::Status CheckAudit(const config::v1::Audit& audit) {
  if (audit.id_key_file().empty() || !audit.file().empty()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "audit.id_key_file: without audit.file there is no audit log");
}

}  // namespace

Config DefaultConfig() {
  Config config;
  SetDefaults(&config);
  return config;
}

absl::StatusOr<Config> ParseConfig(absl::string_view yaml,
                                   absl::string_view file_name,
                                   const Environment& environment) {
  Config config = DefaultConfig();
  Reader reader(file_name, environment);
  try {
    reader.Read(YAML::Load(std::string(yaml)), "", &config);
  } catch (const YAML::Exception& e) {
    reader.Fault(e.mark.line + 1, absl::StrCat("not YAML: ", e.msg));
  }
  const absl::Status status = reader.status();
  if (!status.ok()) return status;
  return config;
}

absl::StatusOr<Config> LoadConfig(const std::string& path,
                                  const Environment& environment) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  // An empty file reads nothing, which sets failbit of the target only.
  if (!file) {
    return absl::NotFoundError(
        absl::StrCat("cannot read the configuration file ", path));
  }
  return ParseConfig(text.str(), path, environment);
}

absl::Status OverrideConfig(absl::string_view assignment, Config* config) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(assignment, absl::MaxSplits('=', 1));
  const std::vector<std::string> keys = absl::StrSplit(parts.first, '.');
  const auto error = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat("--set ", assignment, ": ", what));
  };
  if (keys.size() != 2 || assignment.find('=') == absl::string_view::npos) {
    return error("expected section.key=value");
  }
  const FieldDescriptor* section =
      Config::descriptor()->FindFieldByName(keys[0]);
  if (section == nullptr) {
    return error(absl::StrCat("unknown section; allowed: ",
                              KeysOf(*Config::descriptor())));
  }
  const FieldDescriptor* field =
      section->message_type()->FindFieldByName(keys[1]);
  if (field == nullptr) {
    return error(absl::StrCat("unknown key; allowed: ",
                              KeysOf(*section->message_type())));
  }
  Message* message = config->GetReflection()->MutableMessage(config, section);
  if (!SetField(*field, std::string(parts.second), message)) {
    return error(absl::StrCat("not allowed; allowed: ", Allowed(*field)));
  }
  return absl::OkStatus();
}

std::string PrintConfig(const Config& config) {
  std::string out =
      "# Configuration of taud. Every key is optional; these are all of them,\n"
      "# each with what it means, what is allowed and its default.\n";
  const auto* reflection = config.GetReflection();
  for (int s = 0; s < Config::descriptor()->field_count(); ++s) {
    const FieldDescriptor& section = *Config::descriptor()->field(s);
    absl::StrAppend(&out, "\n");
    AppendComment("", section.options().GetExtension(config::v1::section).doc(),
                  &out);
    absl::StrAppend(&out, section.name(), ":\n");
    const Message& message = reflection->GetMessage(config, &section);
    for (int i = 0; i < section.message_type()->field_count(); ++i) {
      const FieldDescriptor& field = *section.message_type()->field(i);
      AppendComment("  ", Describe(field), &out);
      YAML::Emitter value;
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        value << YAML::DoubleQuoted;
      }
      value << FieldText(field, message);
      absl::StrAppend(&out, "  ", field.name(), ": ", value.c_str(), "\n");
    }
  }
  return out;
}

absl::Status CheckAddresses(const Config& config) {
  absl::Status status = CheckTls(config.tls(), config.auth());
  if (status.ok()) status = CheckAuth(config.auth());
  if (status.ok()) status = CheckAudit(config.audit());
  if (!status.ok()) return status;
  const bool guarded = !config.tls().certificate_file().empty() &&
                       AsksForCredentials(config.auth());
  const struct {
    const char* key;
    const std::string& address;
    bool socket;  // may be a Unix socket
  } addresses[] = {
      {"server.grpc_address", config.server().grpc_address(), true},
      {"server.http_address", config.server().http_address(), false},
  };
  for (const auto& [key, address, socket] : addresses) {
    if (socket && absl::StartsWith(address, "unix:")) continue;
    if (!IsHostAndPort(address)) {
      return absl::InvalidArgumentError(absl::StrCat(
          key, ": \"", address,
          "\" is not allowed; allowed: host:port with a port from 0 to 65535, "
          "as 127.0.0.1:50051 or [::1]:50051"));
    }
    if (guarded || config.server().insecure() || IsLoopback(address)) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        key, ": \"", address,
        "\" is not a loopback address, and whoever reaches it may do "
        "everything. Set tls.certificate_file, tls.key_file and "
        "auth.tokens_file or auth.jwks_file (docs/security.md); or listen on "
        "127.0.0.1; or, "
        "where only a proxy reaches the address that checks tokens and speaks "
        "TLS, set server.insecure to true"));
  }
  return absl::OkStatus();
}

}  // namespace taud::server
