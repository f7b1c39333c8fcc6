#include "server/observe/quality_families.h"

#include <map>
#include <string>

#include "server/observe/family_list.h"

namespace taud::server {
namespace {

using Labels = FamilyList::Labels;

double D(uint64_t value) { return static_cast<double>(value); }

void AddTotals(const v1::Evaluation& e, FamilyList* list) {
  list->Counter("taud_evaluation_events_total",
                "Interactions ranked before they were learnt",
                D(e.evaluated()));
  list->Counter("taud_evaluation_skipped_total",
                "Interactions that are no event: repeats, dislikes, learnt "
                "already",
                D(e.skipped()));
  list->Counter("taud_evaluation_unsampled_total",
                "Interactions not looked at for want of time",
                D(e.unsampled()));
  list->Counter("taud_evaluation_cpu_seconds_total",
                "Seconds of one core that evaluation took", e.seconds());
  const char* kHits10 = "Events whose item was among the first ten";
  list->Counter("taud_evaluation_hits_10_total", kHits10, e.hits_10(),
                {{"ranker", "model"}});
  list->Counter("taud_evaluation_hits_10_total", kHits10,
                e.popularity_hits_10(), {{"ranker", "popularity"}});
  const char* kHits20 = "Events whose item was among the first twenty";
  list->Counter("taud_evaluation_hits_20_total", kHits20, e.hits_20(),
                {{"ranker", "model"}});
  list->Counter("taud_evaluation_hits_20_total", kHits20,
                e.popularity_hits_20(), {{"ranker", "popularity"}});
  list->Counter("taud_evaluation_ndcg_10_total", "Sum of NDCG at 10",
                e.ndcg_10_sum());
  list->Counter("taud_evaluation_ndcg_20_total", "Sum of NDCG at 20",
                e.ndcg_20_sum());
  list->Counter("taud_evaluation_reciprocal_rank_total",
                "Sum of 1 / rank, 0 beyond rank 100", e.reciprocal_rank_sum());
  list->Counter("taud_evaluation_unexpected_hits_20_total",
                "Hits at 20 that the twenty most popular items would not have "
                "been",
                e.unexpected_hits_20());
}

// One figure of a Ranking and the names under which it is told.
struct Figure {
  const v1::Estimate& (v1::Ranking::*get)() const;
  const char* name;
  const char* low;
  const char* high;
  const char* help;
};

constexpr Figure kWindowFigures[] = {
    {&v1::Ranking::hit_rate_10, "taud_evaluation_hit_rate_10",
     "taud_evaluation_hit_rate_10_low", "taud_evaluation_hit_rate_10_high",
     "Share of recent events whose item was among the first ten"},
    {&v1::Ranking::hit_rate_20, "taud_evaluation_hit_rate_20",
     "taud_evaluation_hit_rate_20_low", "taud_evaluation_hit_rate_20_high",
     "Share of recent events whose item was among the first twenty"},
    {&v1::Ranking::ndcg_10, "taud_evaluation_ndcg_10",
     "taud_evaluation_ndcg_10_low", "taud_evaluation_ndcg_10_high",
     "Mean NDCG at 10 of recent events"},
    {&v1::Ranking::ndcg_20, "taud_evaluation_ndcg_20",
     "taud_evaluation_ndcg_20_low", "taud_evaluation_ndcg_20_high",
     "Mean NDCG at 20 of recent events"},
    {&v1::Ranking::mrr, "taud_evaluation_reciprocal_rank",
     "taud_evaluation_reciprocal_rank_low",
     "taud_evaluation_reciprocal_rank_high",
     "Mean of 1 / rank of recent events, 0 beyond rank 100"},
};

constexpr Figure kTenthFigure = {
    &v1::Ranking::hit_rate_10, "taud_evaluation_tenth_hit_rate_10",
    "taud_evaluation_tenth_hit_rate_10_low",
    "taud_evaluation_tenth_hit_rate_10_high",
    "Hit rate at 10 by how popular the item is: 1 is the most popular tenth of "
    "the interactions"};

constexpr Figure kRepresentationFigure = {
    &v1::Ranking::hit_rate_10, "taud_evaluation_representation_hit_rate_10",
    "taud_evaluation_representation_hit_rate_10_low",
    "taud_evaluation_representation_hit_rate_10_high",
    "Hit rate at 10 by how the user was represented"};

struct Labelled {
  Labels labels;
  const v1::Ranking* ranking;
};

// Value and bounds of one figure for all who have events.
void AddFigure(const Figure& figure, const std::vector<Labelled>& all,
               FamilyList* list) {
  const auto add = [&](const char* name, const char* help, double value,
                       const Labels& labels) {
    list->Gauge(name, help, value, labels);
  };
  for (const Labelled& one : all) {
    add(figure.name, figure.help, (one.ranking->*figure.get)().value(),
        one.labels);
  }
  for (const Labelled& one : all) {
    add(figure.low, "Lower bound of it, 95 % confidence",
        (one.ranking->*figure.get)().low(), one.labels);
  }
  for (const Labelled& one : all) {
    add(figure.high, "Upper bound of it, 95 % confidence",
        (one.ranking->*figure.get)().high(), one.labels);
  }
}

void AddWindows(const v1::Evaluation& e, FamilyList* list) {
  const struct {
    const char* name;
    const v1::Window& window;
  } windows[] = {{"short", e.short_()}, {"long", e.long_()}};
  std::vector<Labelled> all;
  for (const auto& w : windows) {
    if (w.window.model().events() <= 0) continue;
    all.push_back(
        {{{"ranker", "model"}, {"window", w.name}}, &w.window.model()});
    all.push_back({{{"ranker", "popularity"}, {"window", w.name}},
                   &w.window.popularity()});
  }
  for (const Figure& figure : kWindowFigures) AddFigure(figure, all, list);
  for (const auto& w : windows) {
    list->Gauge("taud_evaluation_window_events",
                "Events that stand behind a window, what has faded counted "
                "less",
                w.window.model().events(), {{"window", w.name}});
  }
  for (const auto& w : windows) {
    if (w.window.model().events() <= 0) continue;
    list->Gauge("taud_evaluation_serendipity",
                "Share of recent events that are hits at 20 and that "
                "popularity would not have had",
                w.window.serendipity(), {{"window", w.name}});
  }
}

void AddSlices(
    const google::protobuf::RepeatedPtrField<v1::SliceRanking>& slices,
    const char* label, const Figure& figure, const char* events_name,
    FamilyList* list) {
  std::vector<Labelled> all;
  for (const v1::SliceRanking& slice : slices) {
    if (slice.ranking().events() <= 0) continue;
    all.push_back({{{label, slice.slice()}}, &slice.ranking()});
  }
  AddFigure(figure, all, list);
  for (const Labelled& one : all) {
    list->Gauge(events_name, "Events that stand behind it",
                one.ranking->events(), one.labels);
  }
}

void AddComparison(const v1::Comparison& c, FamilyList* list) {
  list->Gauge("taud_comparison_events",
              "Events that the serving snapshot and the one before it both "
              "ranked",
              D(c.events()));
  const char* kHits = "Hits at 20 among them, by whose";
  list->Gauge("taud_comparison_hits_20", kHits, D(c.both()), {{"of", "both"}});
  list->Gauge("taud_comparison_hits_20", kHits, D(c.only_current()),
              {{"of", "only_current"}});
  list->Gauge("taud_comparison_hits_20", kHits, D(c.only_previous()),
              {{"of", "only_previous"}});
  list->Gauge("taud_comparison_p_value",
              "McNemar's test: how probable such a difference is if both are "
              "as good",
              c.p_value());
  list->Gauge("taud_comparison_list_overlap_10",
              "Mean share of the ten best items that both lists have",
              c.list_overlap_10());
}

void AddServed(const v1::ServedLists& s, FamilyList* list) {
  list->Counter("taud_served_lists_sampled_total",
                "Lists that were looked at as they went out", D(s.sampled()));
  if (s.lists() <= 0) return;
  list->Gauge("taud_served_coverage",
              "Share of the catalogue that is in recent lists", s.coverage());
  list->Gauge("taud_served_gini",
              "Gini coefficient of how often an item is recommended", s.gini());
  list->Gauge("taud_served_average_popularity",
              "Mean number of interactions of a recommended item",
              s.average_popularity());
  list->Gauge("taud_served_novelty",
              "Mean of -log2(share of users who have the item), in bits",
              s.novelty_bits());
  list->Gauge("taud_served_intra_list_diversity",
              "1 - mean cosine between the items of a list",
              s.intra_list_diversity());
  list->Gauge("taud_served_personalisation",
              "1 - mean share of items that two users' lists have in common",
              s.personalisation());
  list->Gauge("taud_served_entropy",
              "Entropy of the probabilities of a list, in bits",
              s.entropy_bits());
  // In the order of their names.
  const std::map<std::string, double> shares(s.representation().begin(),
                                             s.representation().end());
  for (const auto& [representation, share] : shares) {
    list->Gauge("taud_served_representation_share",
                "Share of lists by how the user was represented", share,
                {{"representation", representation}});
  }
  list->Gauge("taud_served_top_item_share",
              "Greatest share of lists that one item is in",
              s.top_item_share());
  list->Gauge("taud_served_score_psi",
              "Population-stability index of the scores against an hour ago",
              s.score_psi());
}

// The buckets have no sum of their own: as if each user stood in the middle.
prometheus::ClientMetric::Histogram TauHistogram(const v1::LearningHealth& l) {
  prometheus::ClientMetric::Histogram histogram;
  double lower = 0;
  for (const v1::HistogramBucket& bucket : l.tau_user()) {
    const bool last = bucket.upper() > 1e300;
    const double middle = last ? lower : (lower + bucket.upper()) / 2;
    histogram.sample_count += bucket.count();
    histogram.sample_sum += middle * D(bucket.count());
    histogram.bucket.push_back({histogram.sample_count, bucket.upper()});
    lower = bucket.upper();
  }
  return histogram;
}

void AddLearning(const v1::LearningHealth& l, FamilyList* list) {
  if (l.tau_user_size() > 0) {
    list->Histogram("taud_tau_user_ratio",
                    "tau_u / tau_0 of the users of the serving snapshot",
                    TauHistogram(l));
    const char* kBound = "Share of them at the bound of what is allowed";
    list->Gauge("taud_tau_user_bound_share", kBound, l.tau_user_at_lower(),
                {{"bound", "lower"}});
    list->Gauge("taud_tau_user_bound_share", kBound, l.tau_user_at_upper(),
                {{"bound", "upper"}});
  }
  const char* kDrift =
      "How far the rows of the serving snapshot are from those before: 1 - "
      "mean cosine; of neighbours, 1 - share of ten that stay";
  list->Gauge("taud_snapshot_drift", kDrift, l.user_drift(), {{"of", "users"}});
  list->Gauge("taud_snapshot_drift", kDrift, l.item_drift(), {{"of", "items"}});
  list->Gauge("taud_snapshot_drift", kDrift, l.neighbour_drift(),
              {{"of", "neighbours"}});
}

void AddInput(const v1::InputHealth& i, FamilyList* list) {
  list->Gauge("taud_input_interactions", "Interactions of the last hour",
              D(i.interactions()));
  const std::map<std::string, double> kinds(i.kinds().begin(), i.kinds().end());
  for (const auto& [kind, share] : kinds) {
    list->Gauge("taud_input_kind_share", "Their shares by kind", share,
                {{"kind", kind}});
  }
  list->Gauge("taud_input_new_user_share", "Share of them of new users",
              i.new_user_share());
  list->Gauge("taud_input_new_item_share", "Share of them with new items",
              i.new_item_share());
  list->Gauge("taud_input_top_user_share",
              "Share of them of the most active user", i.top_user_share());
  list->Gauge("taud_input_top_item_share",
              "Share of them with the most active item", i.top_item_share());
  list->Gauge("taud_input_kinds_psi",
              "Population-stability index of the kinds against the hours "
              "before",
              i.kinds_psi());
}

}  // namespace

std::vector<prometheus::MetricFamily> QualityFamilies(
    const v1::Quality& quality) {
  FamilyList list;
  if (quality.has_evaluation()) {
    const v1::Evaluation& evaluation = quality.evaluation();
    AddTotals(evaluation, &list);
    AddWindows(evaluation, &list);
    AddSlices(evaluation.by_popularity_tenth(), "tenth", kTenthFigure,
              "taud_evaluation_tenth_events", &list);
    AddSlices(evaluation.by_representation(), "representation",
              kRepresentationFigure, "taud_evaluation_representation_events",
              &list);
    if (evaluation.has_against_previous()) {
      AddComparison(evaluation.against_previous(), &list);
    }
  }
  if (quality.has_served()) AddServed(quality.served(), &list);
  if (quality.has_learning()) AddLearning(quality.learning(), &list);
  if (quality.has_input()) AddInput(quality.input(), &list);
  return list.Take();
}

}  // namespace taud::server
