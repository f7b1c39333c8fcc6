#include "trainer/online/trainer_options.h"

#include "absl/strings/str_cat.h"

namespace taud::trainer {
namespace {

absl::Status OutOfRange(const char* field, double value, const char* allowed) {
  return absl::InvalidArgumentError(
      absl::StrCat("trainer.", field, " is ", value, ", allowed: ", allowed));
}

}  // namespace

absl::Status ValidateOptions(const OnlineTrainerOptions& o) {
  if (o.dim < 1 || o.dim > 1024) return OutOfRange("dim", o.dim, "1 to 1024");
  if (o.threads < 1 || o.threads > 256) {
    return OutOfRange("threads", o.threads, "1 to 256");
  }
  if (o.nice < 0 || o.nice > 19) return OutOfRange("nice", o.nice, "0 to 19");
  if (o.batch_rows < 1 || o.batch_rows > (1 << 20)) {
    return OutOfRange("batch_rows", o.batch_rows, "1 to 1048576");
  }
  if (o.negatives < 1 || o.negatives > (1 << 20)) {
    return OutOfRange("negatives", o.negatives, "1 to 1048576");
  }
  if (!(o.learning_rate >= 0 && o.learning_rate <= 1)) {
    return OutOfRange("learning_rate", o.learning_rate, "0 to 1");
  }
  if (o.publish_interval <= absl::ZeroDuration()) {
    return OutOfRange("publish_interval",
                      absl::ToDoubleSeconds(o.publish_interval),
                      "above 0 seconds");
  }
  return absl::OkStatus();
}

}  // namespace taud::trainer
