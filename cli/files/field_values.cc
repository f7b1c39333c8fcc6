#include "cli/files/field_values.h"

#include <charconv>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace taud::cli {
namespace {

using model::InteractionKind;

constexpr double kLastSeconds = 1e11;  // the year 5138

constexpr struct {
  TimeUnit unit;
  absl::string_view short_name;
  absl::string_view name;
  double per_second;
} kUnits[] = {{TimeUnit::kSeconds, "s", "seconds", 1},
              {TimeUnit::kMilliseconds, "ms", "milliseconds", 1e3},
              {TimeUnit::kMicroseconds, "us", "microseconds", 1e6},
              {TimeUnit::kNanoseconds, "ns", "nanoseconds", 1e9}};

// Without a zone: UTC.
constexpr const char* kTimeFormats[] = {
    absl::RFC3339_full,       "%Y-%m-%d%ET%H:%M:%E*S",
    "%Y-%m-%d%ET%H:%M",       "%Y-%m-%d %H:%M:%E*S",
    "%Y-%m-%d %H:%M",         "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%E*S%Ez", "%Y-%m-%d %H:%M:%E*S %Ez",
    "%Y-%m-%d %H:%M:%E*S UTC"};

absl::Status Bad(absl::string_view what, absl::string_view text,
                 absl::string_view allowed) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, " \"", text, "\" is not ", allowed));
}

}  // namespace

absl::StatusOr<TimeUnit> ParseTimeUnit(absl::string_view text) {
  for (const auto& one : kUnits) {
    if (text == one.short_name) return one.unit;
  }
  return Bad("time unit", text, "one of s, ms, us, ns");
}

absl::string_view UnitName(TimeUnit unit) {
  return kUnits[static_cast<size_t>(unit)].name;
}

std::optional<TimeUnit> UnitOf(absl::string_view text) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number)) return std::nullopt;
  for (const auto& one : kUnits) {
    if (number < kLastSeconds * one.per_second) return one.unit;
  }
  return TimeUnit::kNanoseconds;
}

absl::StatusOr<int64_t> ParseTimeMs(absl::string_view text,
                                    std::optional<TimeUnit> unit) {
  if (!unit.has_value()) unit = UnitOf(text);
  double number = 0;
  if (unit.has_value() && absl::SimpleAtod(text, &number)) {
    const double per_second = kUnits[static_cast<size_t>(*unit)].per_second;
    if (!(number >= 0) || !(number < kLastSeconds * per_second)) {
      return Bad("time", text,
                 absl::StrCat("a Unix time in ", UnitName(*unit)));
    }
    // Whole numbers stay exact: nanoseconds have more digits than a double.
    int64_t whole = 0;
    if (*unit != TimeUnit::kSeconds && absl::SimpleAtoi(text, &whole)) {
      return whole / static_cast<int64_t>(per_second / 1000);
    }
    return std::llround(number * (1000 / per_second));
  }
  for (const char* format : kTimeFormats) {
    absl::Time time;
    std::string error;
    if (absl::ParseTime(format, text, &time, &error) &&
        time >= absl::UnixEpoch() && time < absl::InfiniteFuture()) {
      return absl::ToUnixMillis(time);
    }
  }
  return Bad("time", text,
             "a Unix time, RFC 3339, YYYY-MM-DD hh:mm:ss or YYYY-MM-DD, from "
             "1970 on");
}

absl::StatusOr<InteractionKind> ParseKind(absl::string_view text) {
  const std::string kind = absl::AsciiStrToLower(text);
  if (kind == "view") return InteractionKind::kView;
  if (kind == "click") return InteractionKind::kClick;
  if (kind == "like") return InteractionKind::kLike;
  if (kind == "purchase") return InteractionKind::kPurchase;
  if (kind == "dislike") return InteractionKind::kDislike;
  if (kind == "retract") return InteractionKind::kRetract;
  return Bad("kind", text,
             "one of view, click, like, purchase, dislike, retract");
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
    case InteractionKind::kRetract:
      return "retract";
  }
  return "view";
}

absl::StatusOr<float> ParseWeight(absl::string_view text) {
  float weight = 0;
  if (!absl::SimpleAtof(text, &weight) || !(weight > 0) ||
      !std::isfinite(weight)) {
    return Bad("weight", text, "a number above 0");
  }
  return weight;
}

std::string WeightText(float weight) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), weight);
  return std::string(text, end.ptr);
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
