#ifndef TAUD_CLI_FIELD_VALUES_H_
#define TAUD_CLI_FIELD_VALUES_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/types.h"

// From the text of a field to its value. INVALID_ARGUMENT names the value and
// what is allowed. Pure.

namespace taud::cli {

// Unix milliseconds from Unix seconds (a number below 100,000,000,000, with or
// without decimals), Unix milliseconds, or RFC 3339.
absl::StatusOr<int64_t> ParseTimeMs(absl::string_view text);

// view, click, like, purchase or dislike, in any case.
absl::StatusOr<model::InteractionKind> ParseKind(absl::string_view text);

// The name ParseKind takes.
const char* KindName(model::InteractionKind kind);

// A rating of 0 to 10, as MovieLens and its kin have it: from 4 a like, up to
// 2 a dislike, in between a view.
absl::StatusOr<model::InteractionKind> KindOfRating(absl::string_view text);

// A finite number > 0.
absl::StatusOr<float> ParseWeight(absl::string_view text);

// true, false, 1, 0, yes, no; empty is false.
absl::StatusOr<bool> ParseBool(absl::string_view text);

}  // namespace taud::cli

#endif  // TAUD_CLI_FIELD_VALUES_H_
