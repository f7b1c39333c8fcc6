// tauctl token new

#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "auth/credentials.h"
#include "auth/token.h"
#include "cli/commands/commands.h"
#include "cli/terminal/output.h"
#include "nlohmann/json.hpp"

namespace taud::cli {
namespace {

struct TokenFlags {
  std::string name;
  std::vector<std::string> roles;
  double days = 0;
};

absl::StatusOr<auth::Credential> MakeCredential(const TokenFlags& flags) {
  auth::Credential credential;
  credential.name = flags.name;
  for (const std::string& name : flags.roles) {
    const auto role = auth::ParseRole(name);
    if (!role.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--roles: \"", name, "\" is none of ",
                       absl::StrJoin(auth::kRoleNames, ", ")));
    }
    credential.roles.Add(*role);
  }
  if (flags.days > 0) {
    credential.expires = absl::Now() + absl::Hours(24 * flags.days);
  }
  return credential;
}

absl::Status NewToken(const Common& common, const TokenFlags& flags) {
  auto credential = MakeCredential(flags);
  if (!credential.ok()) return credential.status();
  const auto token = auth::MakeToken();
  if (!token.ok()) return token.status();
  credential->id = token->id;
  credential->hash = token->hash;
  const std::string line = auth::CredentialLine(*credential);
  // As the daemon will: it must take it.
  const auto read = auth::CredentialTable::Parse(line, "the new line");
  if (!read.ok()) return read.status();
  if (common.json) {
    nlohmann::ordered_json out;
    out["token"] = token->text;
    out["line"] = nlohmann::ordered_json::parse(line);
    std::cout << out.dump() << "\n";
    return absl::OkStatus();
  }
  std::cerr << "The token, shown this once; for who is to have it:\n\n";
  std::cout << token->text << "\n";
  std::cerr << "\nIts line for taud's auth.tokens_file, which has no secret; "
               "taud reads it within two\nseconds of its being added:\n\n";
  std::cout << line << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddToken(CLI::App* app, const Common* common, absl::Status* result) {
  CLI::App* token =
      app->add_subcommand("token", "Credentials for who may call taud");
  token->require_subcommand(1);
  CLI::App* make = token->add_subcommand(
      "new",
      "Makes a token: prints it, and the line for taud's auth.tokens_file. "
      "Asks no server");
  auto flags = std::make_shared<TokenFlags>();
  make->add_option("--name", flags->name,
                   "Whose it is: for logs, limits and the audit log")
      ->required();
  make->add_option("--roles", flags->roles,
                   absl::StrCat("What it may do, with commas between: ",
                                absl::StrJoin(auth::kRoleNames, ", ")))
      ->required()
      ->delimiter(',');
  make->add_option("--days", flags->days,
                   "How long it is valid; 0: until its line is taken out")
      ->check(CLI::Range(0.0, 36500.0));
  make->callback(
      [common, flags, result] { *result = NewToken(*common, *flags); });
}

}  // namespace taud::cli
