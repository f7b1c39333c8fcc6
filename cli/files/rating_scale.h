#ifndef TAUD_CLI_FILES_RATING_SCALE_H_
#define TAUD_CLI_FILES_RATING_SCALE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/types.h"

// From ratings to kinds. Pure.

namespace taud::cli {

struct RatingScale {
  double most = 5;           // greater ones are refused; infinite: none is
  double positive_from = 4;  // a like from here on
  double negative_to = 2;    // a dislike up to here, in between a view
  // 0 and -1 say that there is no rating, as in Book-Crossing: a view.
  bool zero_is_none = true;
};

// What is known of the ratings of a file from its first lines.
struct RatingSample {
  double least = 0;
  double most = 0;
  bool fractions = false;  // some lie between 0 and 1
  size_t ratings = 0;
  size_t beyond = 0;  // of them below 0 (but -1) or above 10: not counted above

  void Add(double rating);
};

// A scale that ends at 1, 5 or 10, the least that holds the sample, and is
// `least_end` long or more: a like from 80 % on, a dislike up to 40 %. Ratings
// that are all 1 are taken for the worst of five, not the best of one; between
// -1 and 1, -1 is a dislike and 0 a view. A few
// ratings beyond are taken for mistakes; INVALID_ARGUMENT if they are many.
absl::StatusOr<RatingScale> GuessScale(const RatingSample& sample,
                                       double least_end);

// A scale of which only is known from where a rating is a like: up to half of
// that (below it, if it is not above 0) it is a dislike.
RatingScale ScaleFrom(double positive_from);

absl::StatusOr<double> ParseRating(absl::string_view text);
// INVALID_ARGUMENT if it is beyond the scale.
absl::StatusOr<model::InteractionKind> KindOfRating(double rating,
                                                    const RatingScale& scale);

// "of 5: a like from 4, a dislike up to 2, a view in between".
std::string Describe(const RatingScale& scale);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_RATING_SCALE_H_
