#include "server/quality/evaluation.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "trainer/evaluation/evaluation.h"

namespace taud::server {
namespace {

bool Hit(size_t rank, size_t k) { return rank > 0 && rank <= k; }

double Gain(size_t rank, size_t k) {
  return Hit(rank, k) ? trainer::GainOfRank(static_cast<double>(rank)) : 0;
}

double Reciprocal(size_t rank) {
  return rank > 0 ? 1 / static_cast<double>(rank) : 0;
}

bool Unexpected(const EvaluatedEvent& event) {
  return Hit(event.rank, 20) && !Hit(event.popularity_rank, 20);
}

constexpr const char* kRepresentationNames[] = {"trained", "folded_in",
                                                "popular"};

// Of kRepresentationNames.
size_t PlaceOf(v1::Representation representation) {
  if (representation == v1::REPRESENTATION_TRAINED) return 0;
  return representation == v1::REPRESENTATION_FOLDED_IN ? 1 : 2;
}

}  // namespace

void RankingFigures::Add(size_t rank) {
  hit_10_.Add(Hit(rank, 10));
  hit_20_.Add(Hit(rank, 20));
  ndcg_10_.Add(Gain(rank, 10));
  ndcg_20_.Add(Gain(rank, 20));
  mrr_.Add(Reciprocal(rank));
}

void RankingFigures::Fill(v1::Ranking* ranking) const {
  *ranking->mutable_hit_rate_10() = hit_10_.Share();
  *ranking->mutable_hit_rate_20() = hit_20_.Share();
  *ranking->mutable_ndcg_10() = ndcg_10_.Mean();
  *ranking->mutable_ndcg_20() = ndcg_20_.Mean();
  *ranking->mutable_mrr() = mrr_.Mean();
  ranking->set_events(events());
}

void PairedHits::Add(const EvaluatedEvent& event) {
  if (!event.reference_rank.has_value()) return;
  const bool now = Hit(event.rank, 20);
  const bool then = Hit(*event.reference_rank, 20);
  ++events;
  both += now && then;
  only_current += now && !then;
  only_reference += !now && then;
  overlap_sum += event.list_overlap_10;
}

void Evaluation::Window::Add(const EvaluatedEvent& event) {
  model.Add(event.rank);
  popularity.Add(event.popularity_rank);
  unexpected.Add(Unexpected(event));
}

void Evaluation::Window::Fill(v1::Window* window) const {
  model.Fill(window->mutable_model());
  popularity.Fill(window->mutable_popularity());
  window->set_serendipity(unexpected.mean());
}

Evaluation::Evaluation()
    : by_tenth_(kTenths, RankingFigures(kLongLife)),
      by_representation_(kRepresentations, RankingFigures(kLongLife)) {}

void Evaluation::Add(const EvaluatedEvent& event) {
  ++evaluated_;
  short_.Add(event);
  long_.Add(event);
  by_tenth_[std::min(event.popularity_tenth, kTenths - 1)].Add(event.rank);
  by_representation_[PlaceOf(event.representation)].Add(event.rank);
  paired_.Add(event);
  hits_10_ += Hit(event.rank, 10);
  hits_20_ += Hit(event.rank, 20);
  popularity_hits_10_ += Hit(event.popularity_rank, 10);
  popularity_hits_20_ += Hit(event.popularity_rank, 20);
  ndcg_10_ += Gain(event.rank, 10);
  ndcg_20_ += Gain(event.rank, 20);
  reciprocal_ += Reciprocal(event.rank);
  unexpected_ += Unexpected(event);
}

void Evaluation::Compare(model::SnapshotVersion current,
                         model::SnapshotVersion reference) {
  current_ = current;
  if (reference == reference_ && reference != 0) return;
  reference_ = reference;
  paired_ = PairedHits();
}

void Evaluation::Fill(v1::Evaluation* evaluation) const {
  evaluation->set_evaluated(evaluated_);
  short_.Fill(evaluation->mutable_short_());
  long_.Fill(evaluation->mutable_long_());
  for (size_t tenth = 0; tenth < kTenths; ++tenth) {
    v1::SliceRanking* slice = evaluation->add_by_popularity_tenth();
    slice->set_slice(absl::StrCat(tenth + 1));
    by_tenth_[tenth].Fill(slice->mutable_ranking());
  }
  for (size_t r = 0; r < kRepresentations; ++r) {
    v1::SliceRanking* slice = evaluation->add_by_representation();
    slice->set_slice(kRepresentationNames[r]);
    by_representation_[r].Fill(slice->mutable_ranking());
  }
  v1::Comparison* comparison = evaluation->mutable_against_previous();
  comparison->set_version(current_);
  comparison->set_previous_version(reference_);
  comparison->set_events(paired_.events);
  comparison->set_both(paired_.both);
  comparison->set_only_current(paired_.only_current);
  comparison->set_only_previous(paired_.only_reference);
  comparison->set_p_value(
      McNemar(paired_.only_current, paired_.only_reference));
  comparison->set_list_overlap_10(
      paired_.events == 0
          ? 0
          : paired_.overlap_sum / static_cast<double>(paired_.events));
  evaluation->set_hits_10(hits_10_);
  evaluation->set_hits_20(hits_20_);
  evaluation->set_popularity_hits_10(popularity_hits_10_);
  evaluation->set_popularity_hits_20(popularity_hits_20_);
  evaluation->set_ndcg_10_sum(ndcg_10_);
  evaluation->set_ndcg_20_sum(ndcg_20_);
  evaluation->set_reciprocal_rank_sum(reciprocal_);
  evaluation->set_unexpected_hits_20(unexpected_);
}

}  // namespace taud::server
