#ifndef TAUD_SERVER_QUALITY_EVALUATION_H_
#define TAUD_SERVER_QUALITY_EVALUATION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/types.h"
#include "server/quality/estimates.h"
#include "taud/v1/model_service.pb.h"
#include "taud/v1/types.pb.h"

namespace taud::server {

// Prequential evaluation, the sums: each event says at which rank the item
// stood that the user then took, and figures follow that fade. Since an event
// has one relevant item, recall at K is the hit rate at K, and NDCG at K is
// 1 / log2(1 + rank) (Järvelin and Kekäläinen 2002) within K.

// Ranks are looked at so deep; beyond, an item counts as not found.
inline constexpr size_t kEvaluatedDepth = 100;

// One event, evaluated.
struct EvaluatedEvent {
  // Rank of the item, from 1; 0: not among the first kEvaluatedDepth.
  size_t rank = 0;
  size_t popularity_rank = 0;
  // The tenth of all interactions that the item belongs to by its popularity,
  // 0: the most popular ones, 9: the least.
  size_t popularity_tenth = 9;
  v1::Representation representation = v1::REPRESENTATION_UNSPECIFIED;
  // By the model that the serving one is compared with, if it was asked.
  std::optional<size_t> reference_rank;
  double list_overlap_10 = 0;  // with its list; if it was asked
};

// Figures of one ranker over events that fade.
class RankingFigures {
 public:
  explicit RankingFigures(double life)
      : hit_10_(life),
        hit_20_(life),
        ndcg_10_(life),
        ndcg_20_(life),
        mrr_(life) {}
  void Add(size_t rank);
  double events() const { return hit_10_.events(); }
  double hit_rate_10() const { return hit_10_.mean(); }
  double ndcg_10() const { return ndcg_10_.mean(); }
  v1::Estimate hit_rate_10_estimate() const { return hit_10_.Share(); }
  void Fill(v1::Ranking* ranking) const;

 private:
  FadingMean hit_10_, hit_20_, ndcg_10_, ndcg_20_, mrr_;
};

// The serving model and the one before it, on the same events.
struct PairedHits {
  uint64_t events = 0;
  uint64_t both = 0;
  uint64_t only_current = 0;
  uint64_t only_reference = 0;
  double overlap_sum = 0;
  void Add(const EvaluatedEvent& event);
};

// Not thread-safe.
class Evaluation {
 public:
  static constexpr double kShortLife = 1000;
  static constexpr double kLongLife = 10000;
  static constexpr size_t kTenths = 10;
  static constexpr size_t kRepresentations = 3;

  Evaluation();
  void Add(const EvaluatedEvent& event);
  // Another model serves. The comparison begins anew if it is with another one
  // or with none (0).
  void Compare(model::SnapshotVersion current,
               model::SnapshotVersion reference);
  const PairedHits& paired() const { return paired_; }

  uint64_t evaluated() const { return evaluated_; }
  const RankingFigures& short_model() const { return short_.model; }
  const RankingFigures& short_popularity() const { return short_.popularity; }

  // All but skipped, unsampled and seconds.
  void Fill(v1::Evaluation* evaluation) const;

 private:
  struct Window {
    explicit Window(double life)
        : model(life), popularity(life), unexpected(life) {}
    void Add(const EvaluatedEvent& event);
    void Fill(v1::Window* window) const;
    RankingFigures model;
    RankingFigures popularity;
    FadingMean unexpected;
  };

  uint64_t evaluated_ = 0;
  Window short_{kShortLife};
  Window long_{kLongLife};
  std::vector<RankingFigures> by_tenth_;
  std::vector<RankingFigures> by_representation_;
  PairedHits paired_;
  model::SnapshotVersion current_ = 0;
  model::SnapshotVersion reference_ = 0;
  double hits_10_ = 0, hits_20_ = 0;
  double popularity_hits_10_ = 0, popularity_hits_20_ = 0;
  double ndcg_10_ = 0, ndcg_20_ = 0, reciprocal_ = 0, unexpected_ = 0;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_EVALUATION_H_
