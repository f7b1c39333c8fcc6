#include "cli/files/rating_scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace taud::cli {
namespace {

using model::InteractionKind;

constexpr double kLikeShare = 0.8;
constexpr double kDislikeShare = 0.4;
constexpr double kLongestScale = 10;
constexpr size_t kMistakesOneIn = 5;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool IsNone(double rating) { return rating == 0 || rating == -1; }

// Below every scale that can be guessed; -1 is none, or a thumb down.
bool IsBelow(double rating) { return rating < 0 && rating != -1; }

}  // namespace

void RatingSample::Add(double rating) {
  ++ratings;
  if (IsBelow(rating) || rating > kLongestScale) {
    ++beyond;
    return;
  }
  const bool first = ratings - beyond == 1;
  least = first ? rating : std::min(least, rating);
  most = first ? rating : std::max(most, rating);
  fractions = fractions || (rating > 0 && rating < 1);
}

absl::StatusOr<RatingScale> GuessScale(const RatingSample& sample,
                                       double least_end) {
  if (sample.beyond * kMistakesOneIn > sample.ratings) {
    return absl::InvalidArgumentError(
        absl::StrCat("has ratings below 0 or above ", kLongestScale,
                     ", a scale that cannot be guessed; say with "
                     "--positive-from from where on a rating is a like"));
  }
  // Shares, or both ends of a scale from 0 to 1.
  const bool of_one =
      sample.most <= 1 && (sample.fractions || sample.least < sample.most);
  const double end =
      std::max(least_end, of_one ? 1.0 : (sample.most <= 5 ? 5.0 : 10.0));
  RatingScale scale;
  scale.most = end;
  scale.positive_from = kLikeShare * end;
  const bool thumbs = end <= 1 && sample.least < 0;
  scale.negative_to = thumbs ? -1 : kDislikeShare * end;
  scale.zero_is_none = end > 1;
  return scale;
}

RatingScale ScaleFrom(double positive_from) {
  RatingScale scale;
  scale.most = kInfinity;
  scale.positive_from = positive_from;
  scale.negative_to = positive_from > 0
                          ? positive_from / 2
                          : std::nextafter(positive_from, -kInfinity);
  scale.zero_is_none = positive_from > 1;
  return scale;
}

absl::StatusOr<double> ParseRating(absl::string_view text) {
  double rating = 0;
  if (absl::SimpleAtod(text, &rating) && std::isfinite(rating)) return rating;
  return absl::InvalidArgumentError(
      absl::StrCat("rating \"", text, "\" is not a number"));
}

absl::StatusOr<InteractionKind> KindOfRating(double rating,
                                             const RatingScale& scale) {
  if (scale.zero_is_none && IsNone(rating)) return InteractionKind::kView;
  if (rating > scale.most || (IsBelow(rating) && scale.most < kInfinity)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "rating \"", rating, "\" is not on the file's scale of 0 to ",
        scale.most,
        ", which its first lines have; say with --positive-from from where on "
        "a rating is a like"));
  }
  if (rating >= scale.positive_from) return InteractionKind::kLike;
  return rating <= scale.negative_to ? InteractionKind::kDislike
                                     : InteractionKind::kView;
}

std::string Describe(const RatingScale& scale) {
  const bool between = scale.negative_to > 0 || scale.positive_from > 0;
  return absl::StrCat(
      scale.most < kInfinity ? absl::StrCat("of ", scale.most, ": ") : "",
      "a like from ", scale.positive_from,
      between ? absl::StrCat(", a dislike up to ", scale.negative_to,
                             ", a view in between")
              : ", else a dislike",
      scale.zero_is_none ? "; 0 is no rating but a view" : "");
}

}  // namespace taud::cli
