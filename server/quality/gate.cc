#include "server/quality/gate.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "server/quality/estimates.h"

namespace taud::server {
namespace {

// Fewer pairs tell too little.
constexpr size_t kFewPairs = 100;
// Rows of a good model are spread over the sphere: on real data the mean of all
// of them is .1 to .7 long. Whoever has learnt nothing, or one thing only, is
// near 1.
constexpr double kMaxSpread = .95;
constexpr double kMaxSpreadRise = .35;
// What serves may have many rows that are alike, and rightly: they may stay so,
// but for rounding.
constexpr double kSameSpread = .002;
// τ₀ is bounded by its governor (trainer/temperature/tau_governor.h) and τ_u
// follows it; from one snapshot to the next neither leaps.
constexpr double kMinTau = .005;
constexpr double kMaxTau = 5;
constexpr double kMaxTauRatio = 4;
constexpr double kMinRecall = .8;
// An item that stands in nearly all lists is no taste. A model that has just
// begun may have learnt nothing but what is popular, so that this looks at what
// serves, too.
constexpr double kMaxTopItem = .6;
constexpr double kMaxTopItemRise = .3;
constexpr double kMinDistinctShare = .25;  // of the serving one's
constexpr double kMaxLost = .1;
// How much worse it may be, and how sure that it is worse: with a publication a
// second, one in ten million is once in four months. The shares stand between
// what good snapshots keep and what a poisoned one does (bench/gate_trial.cc).
// No less is ever asked than HitHistory says is noise.
constexpr double kMinHitShare = .8;
constexpr double kMinHitShareOfSlice = .7;
// A candidate that knows more than what serves has other things to keep in mind
// as well: a young model that has learnt a third more may be half as good at
// the old. And rows begin where their pairs are, so that a model that has just
// begun knows rare items better than one that has told them from others. So
// much less is left for each of its share that is new; but a collapse is told
// at any rate.
constexpr double kLessForGrowth = .75;
constexpr double kMinHitShareAtAnyRate = .25;
constexpr double kMinPairsShare = .9;
constexpr double kMaxPValue = 1e-7;

class Checks {
 public:
  explicit Checks(v1::Verdict* verdict) : verdict_(verdict) {
    verdict_->set_passed(true);
  }

  struct Bounds {
    std::optional<double> lower;
    std::optional<double> upper;
  };
  void Add(const std::string& name, const std::string& slice, double value,
           Bounds bounds, double reference, const std::string& text) {
    v1::Check* check = AddCheck(name, slice, text);
    check->set_checked(true);
    check->set_value(value);
    check->set_reference(reference);
    if (bounds.lower.has_value()) check->set_lower(*bounds.lower);
    if (bounds.upper.has_value()) check->set_upper(*bounds.upper);
    // A value that is no number is outside of any bounds.
    const bool inside = (!bounds.lower.has_value() || value >= *bounds.lower) &&
                        (!bounds.upper.has_value() || value <= *bounds.upper);
    check->set_passed(inside && !std::isnan(value));
    if (!check->passed()) verdict_->set_passed(false);
  }
  void Skip(const std::string& name, const std::string& slice,
            const std::string& why) {
    AddCheck(name, slice, why)->set_passed(true);
  }

 private:
  v1::Check* AddCheck(const std::string& name, const std::string& slice,
                      const std::string& text) {
    v1::Check* check = verdict_->add_checks();
    check->set_name(name);
    check->set_slice(slice);
    check->set_text(text);
    return check;
  }
  v1::Verdict* const verdict_;
};

bool Few(const GateMeasures& measures) {
  return measures.users < kFewRows || measures.items < kFewRows;
}

void CheckSpread(const GateFacts& facts, Checks* checks) {
  const auto check = [&](const char* slice, const Spread& spread,
                         const Spread& reference) {
    if (Few(facts.candidate) || spread.rows < kFewRows) {
      checks->Skip("spread", slice,
                   "fewer than 100 that five interactions have made");
      return;
    }
    double upper = kMaxSpread;
    if (reference.rows >= kFewRows && !Few(*facts.serving)) {
      upper = std::max(upper, reference.length + kSameSpread);
      upper = std::min(upper, std::max(reference.length, .3) + kMaxSpreadRise);
    }
    checks->Add("spread", slice, spread.length, {std::nullopt, upper},
                reference.length,
                "length of the mean of the vectors: 1 if all are alike");
  };
  const GateMeasures none;
  const GateMeasures& serving = facts.serving.value_or(none);
  check("users", facts.candidate.user_spread, serving.user_spread);
  check("items", facts.candidate.item_spread, serving.item_spread);
}

void CheckTemperatures(const GateFacts& facts, Checks* checks) {
  if (facts.candidate.users == 0) {
    checks->Skip("temperatures", "", "no user was learnt yet");
    return;
  }
  const auto check = [&](const char* slice, double value, double reference) {
    double lower = kMinTau;
    double upper = kMaxTau;
    if (facts.serving.has_value() && reference > 0) {
      lower = std::max(lower, reference / kMaxTauRatio);
      upper = std::min(upper, reference * kMaxTauRatio);
    }
    checks->Add("temperatures", slice, value, {lower, upper}, reference,
                "nor may it be four times what it was, or a quarter");
  };
  const GateMeasures none;
  const GateMeasures& serving = facts.serving.value_or(none);
  check("tau0", facts.candidate.tau0, serving.tau0);
  check("tau_user_p50", facts.candidate.tau_user.p50, serving.tau_user.p50);
  check("tau_user_p90", facts.candidate.tau_user.p90, serving.tau_user.p90);
}

void CheckLists(const GateFacts& facts, Checks* checks) {
  const GateMeasures& candidate = facts.candidate;
  if (candidate.audited > 0) {
    checks->Add("index_recall", "", candidate.index_recall,
                {kMinRecall, std::nullopt},
                facts.serving.has_value() ? facts.serving->index_recall : 0,
                "share of the exact best ten that the index finds");
  }
  if (!facts.serving.has_value() || Few(*facts.serving) || Few(candidate) ||
      candidate.lists.lists < kMinLists) {
    checks->Skip("coverage", "", "nothing to compare it with yet");
    checks->Skip("concentration", "", "nothing to compare it with yet");
    return;
  }
  const ListMeasures& serving = facts.serving->lists;
  checks->Add("coverage", "", candidate.lists.distinct,
              {serving.distinct * kMinDistinctShare, std::nullopt},
              serving.distinct,
              "distinct items by places in a sample of top tens");
  checks->Add("concentration", "", candidate.lists.top_item_share,
              {std::nullopt,
               std::max(kMaxTopItem, serving.top_item_share + kMaxTopItemRise)},
              serving.top_item_share,
              "greatest share of top tens that an item is in");
}

void CheckLost(const GateFacts& facts, Checks* checks) {
  const auto check = [&](const char* slice, size_t lost, size_t of) {
    if (of < kFewRows) {
      checks->Skip("rows_missing", slice, "fewer than 100 to compare");
      return;
    }
    checks->Add("rows_missing", slice,
                static_cast<double>(lost) / static_cast<double>(of),
                {std::nullopt, kMaxLost}, 0,
                "share of the vectors of what serves that it has not");
  };
  // What was taken back since, or erased, is not missed.
  const size_t expected =
      std::min(facts.serving->pairs, facts.comparison->pairs_there);
  checks->Add("pairs_learnt", "", static_cast<double>(facts.candidate.pairs),
              {static_cast<double>(expected) * kMinPairsShare, std::nullopt},
              static_cast<double>(facts.serving->pairs),
              "pairs of users and items that its rows were learnt from");
  check("users", facts.comparison->users_lost, facts.serving->users);
  check("items", facts.comparison->items_lost, facts.serving->items);
}

// How many times as much it has learnt: more pairs, or the same more often.
double GrowthOf(const GateFacts& facts) {
  const double pairs =
      static_cast<double>(facts.candidate.pairs) /
      static_cast<double>(std::max<size_t>(1, facts.serving->pairs));
  // Not known of a snapshot that a test or an older version made.
  if (facts.serving->passes <= 0) return pairs;
  return pairs * std::max(1.0, facts.candidate.passes / facts.serving->passes);
}

double MinHitShare(double growth, size_t slice, const HitHistory& history) {
  const double usual =
      slice == GateComparison::kAll ? kMinHitShare : kMinHitShareOfSlice;
  const double share = std::min(usual, history.LeastShare(slice));
  return std::max(kMinHitShareAtAnyRate,
                  share - kLessForGrowth * std::max(0.0, growth - 1));
}

void CheckPairs(const GateFacts& facts, const HitHistory& history,
                Checks* checks) {
  static constexpr const char* kNames[] = {"all", "head", "tail"};
  for (size_t s = 0; s < GateComparison::kSlices; ++s) {
    const PairCounts& pairs = facts.comparison->pairs[s];
    if (pairs.all() < kFewPairs) {
      checks->Skip("hit_rate", kNames[s], "fewer than 100 pairs to ask about");
      continue;
    }
    const auto all = static_cast<double>(pairs.all());
    const double now =
        static_cast<double>(pairs.both + pairs.only_candidate) / all;
    const double before =
        static_cast<double>(pairs.both + pairs.only_serving) / all;
    const double p = OneSidedMcNemar(pairs.only_serving, pairs.only_candidate);
    const double share = MinHitShare(GrowthOf(facts), s, history);
    // A difference that chance may have made is none.
    const double lower = p < kMaxPValue ? before * share : 0;
    checks->Add("hit_rate", kNames[s], now, {lower, std::nullopt}, before,
                absl::StrFormat("of the latest pairs, among 200 other items; "
                                "as bad by chance: %.2g",
                                p));
  }
}

}  // namespace

void HitHistory::Note(const GateComparison& comparison) {
  constexpr double kLife = 20;
  seen_ = std::min(seen_ + 1, kLife);
  for (size_t s = 0; s < GateComparison::kSlices; ++s) {
    const PairCounts& pairs = comparison.pairs[s];
    if (pairs.all() < kFewPairs) continue;
    const auto now = static_cast<double>(pairs.both + pairs.only_candidate);
    const auto before = static_cast<double>(pairs.both + pairs.only_serving);
    const double change = std::log((now + 1) / (before + 1));
    squares_[s] += (change * change - squares_[s]) / seen_;
  }
}

double HitHistory::LeastShare(size_t slice) const {
  constexpr double kLimit = 8;
  return std::exp(-kLimit * std::sqrt(squares_[slice]));
}

v1::Verdict Judge(const GateFacts& facts, const HitHistory& history) {
  v1::Verdict verdict;
  Checks checks(&verdict);
  CheckSpread(facts, &checks);
  CheckTemperatures(facts, &checks);
  CheckLists(facts, &checks);
  if (facts.comparison.has_value()) {
    verdict.set_compared_with(facts.comparison->compared_with);
    CheckLost(facts, &checks);
    // Figures to know: a model may change its mind.
    checks.Add("lists_kept", "", facts.comparison->list_overlap, {}, 1,
               "share of a top ten that stays");
    checks.Add("vectors_kept", "items", facts.comparison->item_cosine, {}, 1,
               "mean cosine of an item's vector with the one before");
    CheckPairs(facts, history, &checks);
  }
  return verdict;
}

std::string Failures(const v1::Verdict& verdict) {
  std::vector<std::string> failures;
  for (const v1::Check& check : verdict.checks()) {
    if (check.passed()) continue;
    std::string failure = absl::StrFormat(
        "%s%s %.4g", check.name(),
        check.slice().empty() ? "" : absl::StrCat(" (", check.slice(), ")"),
        check.value());
    if (check.has_lower() && check.value() < check.lower()) {
      absl::StrAppendFormat(&failure, ", at least %.4g", check.lower());
    } else if (check.has_upper()) {
      absl::StrAppendFormat(&failure, ", at most %.4g", check.upper());
    }
    absl::StrAppendFormat(&failure, " (serving: %.4g)", check.reference());
    failures.push_back(failure);
  }
  return absl::StrJoin(failures, "; ");
}

}  // namespace taud::server
