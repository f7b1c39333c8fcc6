#include "server/observe/quality_families.h"

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/server/observe/family_text.h"

namespace taud::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::Not;

void SetEstimate(double value, v1::Estimate* estimate) {
  estimate->set_value(value);
  estimate->set_low(value - .125);
  estimate->set_high(value + .125);
}

TEST(QualityFamiliesTest, NothingKnownNothingTold) {
  EXPECT_TRUE(QualityFamilies(v1::Quality()).empty());
}

TEST(QualityFamiliesTest, EachPartIsTold) {
  const struct {
    std::function<void(v1::Quality*)> set;
    std::vector<std::string> lines;
  } cases[] = {
      {[](v1::Quality* q) {
         v1::Evaluation* e = q->mutable_evaluation();
         e->set_evaluated(1000);
         e->set_seconds(1.5);
         e->set_hits_10(120);
         e->set_popularity_hits_10(40);
         e->set_reciprocal_rank_sum(33.5);
       },
       {"# TYPE taud_evaluation_events_total counter",
        "taud_evaluation_events_total 1000",
        "taud_evaluation_cpu_seconds_total 1.5",
        "taud_evaluation_hits_10_total{ranker=\"model\"} 120",
        "taud_evaluation_hits_10_total{ranker=\"popularity\"} 40",
        "taud_evaluation_reciprocal_rank_total 33.5"}},
      {[](v1::Quality* q) {
         v1::Window* w = q->mutable_evaluation()->mutable_short_();
         w->mutable_model()->set_events(700);
         SetEstimate(.25, w->mutable_model()->mutable_hit_rate_10());
         SetEstimate(.5, w->mutable_popularity()->mutable_ndcg_20());
         w->set_serendipity(.75);
       },
       {"# TYPE taud_evaluation_hit_rate_10 gauge",
        "taud_evaluation_hit_rate_10{ranker=\"model\",window=\"short\"} 0.25",
        "taud_evaluation_hit_rate_10_low{ranker=\"model\",window=\"short\"} "
        "0.125",
        "taud_evaluation_hit_rate_10_high{ranker=\"model\",window=\"short\"} "
        "0.375",
        "taud_evaluation_ndcg_20{ranker=\"popularity\",window=\"short\"} 0.5",
        "taud_evaluation_window_events{window=\"short\"} 700",
        "taud_evaluation_window_events{window=\"long\"} 0",
        "taud_evaluation_serendipity{window=\"short\"} 0.75"}},
      {[](v1::Quality* q) {
         auto* slice = q->mutable_evaluation()->add_by_popularity_tenth();
         slice->set_slice("3");
         slice->mutable_ranking()->set_events(10);
         SetEstimate(.5, slice->mutable_ranking()->mutable_hit_rate_10());
         slice = q->mutable_evaluation()->add_by_representation();
         slice->set_slice("folded_in");
         slice->mutable_ranking()->set_events(20);
       },
       {"taud_evaluation_tenth_hit_rate_10{tenth=\"3\"} 0.5",
        "taud_evaluation_tenth_hit_rate_10_low{tenth=\"3\"} 0.375",
        "taud_evaluation_tenth_events{tenth=\"3\"} 10",
        "taud_evaluation_representation_events{representation=\"folded_in\"} "
        "20"}},
      {[](v1::Quality* q) {
         v1::Comparison* c =
             q->mutable_evaluation()->mutable_against_previous();
         c->set_only_current(5);
         c->set_p_value(.5);
       },
       {"taud_comparison_hits_20{of=\"only_current\"} 5",
        "taud_comparison_p_value 0.5"}},
      {[](v1::Quality* q) {
         q->mutable_served()->set_sampled(9);
         q->mutable_served()->set_lists(4);
         q->mutable_served()->set_gini(.5);
         (*q->mutable_served()->mutable_representation())["trained"] = 1;
       },
       {"taud_served_lists_sampled_total 9", "taud_served_gini 0.5",
        "taud_served_representation_share{representation=\"trained\"} 1"}},
      {[](v1::Quality* q) {
         v1::LearningHealth* l = q->mutable_learning();
         const double infinity = std::numeric_limits<double>::infinity();
         for (const auto& [upper, count] :
              {std::pair<double, int>{1, 2}, {2, 3}, {infinity, 1}}) {
           l->add_tau_user()->set_upper(upper);
           l->mutable_tau_user(l->tau_user_size() - 1)
               ->set_count(static_cast<uint64_t>(count));
         }
         l->set_tau_user_at_upper(.25);
         l->set_item_drift(.125);
       },
       {"# TYPE taud_tau_user_ratio histogram", "taud_tau_user_ratio_count 6",
        "taud_tau_user_ratio_sum 7.5", "taud_tau_user_ratio_bucket{le=\"2\"} 5",
        "taud_tau_user_ratio_bucket{le=\"+Inf\"} 6",
        "taud_tau_user_bound_share{bound=\"upper\"} 0.25",
        "taud_snapshot_drift{of=\"items\"} 0.125"}},
      {[](v1::Quality* q) {
         q->mutable_input()->set_interactions(77);
         (*q->mutable_input()->mutable_kinds())["click"] = .5;
         q->mutable_input()->set_kinds_psi(.25);
       },
       {"taud_input_interactions 77",
        "taud_input_kind_share{kind=\"click\"} 0.5",
        "taud_input_kinds_psi 0.25"}},
  };
  for (const auto& c : cases) {
    v1::Quality quality;
    c.set(&quality);
    EXPECT_THAT(FamilyText(QualityFamilies(quality)), IsSupersetOf(c.lines));
  }
}

TEST(QualityFamiliesTest, WithoutEventsThereIsNoShare) {
  v1::Quality quality;
  quality.mutable_evaluation()->add_by_popularity_tenth()->set_slice("1");
  quality.mutable_served()->set_sampled(0);
  const std::vector<std::string> lines = FamilyText(QualityFamilies(quality));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("hit_rate"))));
  EXPECT_THAT(lines, Not(Contains(HasSubstr("gini"))));
}

}  // namespace
}  // namespace taud::server
