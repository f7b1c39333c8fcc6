#include "cli/field_values.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace taud::cli {
namespace {

using model::InteractionKind;

constexpr double kFirstMilliseconds = 1e11;  // the year 5138 in seconds
constexpr double kLastMilliseconds = 1e15;

absl::Status Bad(absl::string_view what, absl::string_view text,
                 absl::string_view allowed) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " \"", text, "\" is not ", allowed));
}

}  // namespace

absl::StatusOr<int64_t> ParseTimeMs(absl::string_view text) {
  double number = 0;
  if (absl::SimpleAtod(text, &number)) {
    if (number < 0 || !(number < kLastMilliseconds)) {
      return Bad("time", text, "in range");
    }
    const bool seconds = number < kFirstMilliseconds;
    return static_cast<int64_t>(seconds ? number * 1000 : number);
  }
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return absl::ToUnixMillis(time);
  }
  return Bad("time", text, "Unix seconds, Unix milliseconds or RFC 3339");
}

absl::StatusOr<InteractionKind> ParseKind(absl::string_view text) {
  const std::string kind = absl::AsciiStrToLower(text);
  if (kind == "view") return InteractionKind::kView;
  if (kind == "click") return InteractionKind::kClick;
  if (kind == "like") return InteractionKind::kLike;
  if (kind == "purchase") return InteractionKind::kPurchase;
  if (kind == "dislike") return InteractionKind::kDislike;
  return Bad("kind", text, "one of view, click, like, purchase, dislike");
}

const char* KindName(InteractionKind kind) {
  switch (kind) {
    case InteractionKind::kView:
      return "view";
    case InteractionKind::kClick:
      return "click";
    case InteractionKind::kLike:
      return "like";
    case InteractionKind::kPurchase:
      return "purchase";
    case InteractionKind::kDislike:
      return "dislike";
  }
  return "view";
}

absl::StatusOr<InteractionKind> KindOfRating(absl::string_view text) {
  double rating = 0;
  if (!absl::SimpleAtod(text, &rating) || !(rating >= 0 && rating <= 10)) {
    return Bad("rating", text, "a number from 0 to 10");
  }
  if (rating >= 4) return InteractionKind::kLike;
  return rating <= 2 ? InteractionKind::kDislike : InteractionKind::kView;
}

absl::StatusOr<float> ParseWeight(absl::string_view text) {
  float weight = 0;
  if (!absl::SimpleAtof(text, &weight) || !(weight > 0) ||
      !std::isfinite(weight)) {
    return Bad("weight", text, "a number above 0");
  }
  return weight;
}

absl::StatusOr<bool> ParseBool(absl::string_view text) {
  if (text.empty()) return false;
  bool value = false;
  if (!absl::SimpleAtob(text, &value)) {
    return Bad("value", text, "true or false");
  }
  return value;
}

}  // namespace taud::cli
