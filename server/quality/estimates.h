#ifndef TAUD_SERVER_QUALITY_ESTIMATES_H_
#define TAUD_SERVER_QUALITY_ESTIMATES_H_

#include <cstdint>
#include <vector>

#include "taud/v1/model_service.pb.h"

namespace taud::server {

// What is known of figures that are estimated from a sample. Plain functions
// and values; thread-compatible.

// 95 % confidence of a share of which `value` was seen in `events` events
// (Wilson's score interval), which need not be whole. No events: 0 to 1.
v1::Estimate ShareEstimate(double value, double events);

// The probability that, of `only_a` + `only_b` pairs that differ, as many or
// more go to a, if either is as likely: the one-sided exact McNemar test. 1 if
// there are none.
double OneSidedMcNemar(uint64_t only_a, uint64_t only_b);
// Two-sided.
double McNemar(uint64_t only_a, uint64_t only_b);

// Population-stability index of two histograms of the same bins:
// Σ (q − p) · ln(q / p), each bin given half a count more, so that an empty one
// does not make it infinite. 0 if one of them has no counts.
double PopulationStability(const std::vector<double>& reference,
                           const std::vector<double>& now);

// Mean of values that fade: the newest weighs 1, one that came `life` values
// ago 1/e.
class FadingMean {
 public:
  explicit FadingMean(double life);
  void Add(double value);
  // 0 without values.
  double mean() const { return weight_ > 0 ? sum_ / weight_ : 0; }
  // As many values of equal weight would tell as much: (Σw)² / Σw².
  double events() const {
    return squares_ > 0 ? weight_ * weight_ / squares_ : 0;
  }
  // Of a share: Wilson. Else: normal, from the variance of what was added.
  v1::Estimate Share() const { return ShareEstimate(mean(), events()); }
  v1::Estimate Mean() const;

 private:
  double keep_;  // of a value's weight when the next comes
  double weight_ = 0;
  double squares_ = 0;
  double sum_ = 0;
  double sum_of_squares_ = 0;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_ESTIMATES_H_
