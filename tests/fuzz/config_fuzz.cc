// A configuration is refused with what is wrong, or says the same when it is
// printed and read again.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "google/protobuf/util/message_differencer.h"
#include "model/check.h"
#include "server/lifecycle/config_loader.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taud::server;
  const std::string text(reinterpret_cast<const char*>(data), size);
  // The first line as one assignment, too.
  taud::config::v1::Config one = DefaultConfig();
  const absl::Status set =
      OverrideConfig(text.substr(0, text.find('\n')), &one);
  TAUD_CHECK(set.ok() || !set.message().empty());

  const Environment some =
      [](const std::string& name) -> std::optional<std::string> {
    if (name == "HOME") return "/home/taud";
    return std::nullopt;
  };
  const auto used = ParseConfig(text, "f", some);
  if (used.ok()) (void)CheckAddresses(*used);

  // As it is printed: without what is in the environment.
  const Environment none;
  const auto config = ParseConfig(text, "f", none);
  if (!config.ok()) {
    TAUD_CHECK(!config.status().message().empty());
    return 0;
  }
  const auto again = ParseConfig(PrintConfig(*config), "printed", none);
  TAUD_CHECK(again.ok());
  TAUD_CHECK(
      google::protobuf::util::MessageDifferencer::Equals(*config, *again));
  return 0;
}
