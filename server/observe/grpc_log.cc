#include "server/observe/grpc_log.h"

#include <grpc/support/log.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "model/steady_clock.h"
#include "server/observe/log_sampler.h"
#include "server/observe/logging.h"

namespace taud::server {
namespace {

void WriteLine(gpr_log_func_args* line) {
  if (line->severity != GPR_LOG_SEVERITY_ERROR) return;
  // Never destroyed: gRPC's threads may outlive main.
  static auto* const sampler = new LogSampler(/*per_second=*/1, /*burst=*/5);
  const auto left_out = sampler->Take(model::SteadyNow());
  if (!left_out.has_value()) return;
  Log(LogLevel::kWarning, "gRPC complains",
      {{"error", std::string(line->message)},
       {"left_out", absl::StrCat(*left_out)}});
}

}  // namespace

void TakeGrpcLog() {
  gpr_log_verbosity_init();
  gpr_set_log_function(WriteLine);
}

}  // namespace taud::server
