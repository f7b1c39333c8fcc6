#ifndef TAUD_CLI_FILES_FIELD_VALUES_H_
#define TAUD_CLI_FILES_FIELD_VALUES_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/types.h"

// From the text of a field to its value. INVALID_ARGUMENT names the value and
// what is allowed. Pure.

namespace taud::cli {

enum class TimeUnit { kSeconds, kMilliseconds, kMicroseconds, kNanoseconds };

// "s", "ms", "us", "ns".
absl::StatusOr<TimeUnit> ParseTimeUnit(absl::string_view text);
// "seconds", …
absl::string_view UnitName(TimeUnit unit);
// The unit in which a Unix time lies between 1970 and 5138; of the ones that
// do, the greatest. Nothing for a text that is no number.
std::optional<TimeUnit> UnitOf(absl::string_view text);

// Unix milliseconds from a Unix time in `unit` (by default the one that UnitOf
// finds), RFC 3339, or a date and time, `2022-06-22 07:21:39`, or a date alone;
// these are UTC.
absl::StatusOr<int64_t> ParseTimeMs(absl::string_view text,
                                    std::optional<TimeUnit> unit = {});

// view, click, like, purchase or dislike, in any case.
absl::StatusOr<model::InteractionKind> ParseKind(absl::string_view text);

// The name ParseKind takes.
const char* KindName(model::InteractionKind kind);

// A finite number > 0.
absl::StatusOr<float> ParseWeight(absl::string_view text);

// As few digits as ParseWeight needs to find exactly this weight again.
std::string WeightText(float weight);

// true, false, 1, 0, yes, no; empty is false.
absl::StatusOr<bool> ParseBool(absl::string_view text);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_FIELD_VALUES_H_
