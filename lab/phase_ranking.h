#ifndef TAUD_LAB_PHASE_RANKING_H_
#define TAUD_LAB_PHASE_RANKING_H_

#include <cstdint>
#include <vector>

#include "lab/fit_phase.h"
#include "lab/ranking_report.h"
#include "lab/slice_trial.h"
#include "model/snapshot.h"

// How the rows of a fit rank, and which way of ranking with them is best. Pure,
// on `threads` threads for the duration of a call. `popularity` [items] counts
// interactions of the phase's train.

namespace taud::lab {

// Users without the common taste, items as the options' rank has them.
struct FittedRows {
  model::Matrix users, items;
  std::vector<float> item_norms;
  // Of the phase's train, if users are ranked for by their neighbourhood.
  const model::NeighbourLists* neighbours = nullptr;
};

// On the phase's test, with its κ, its p and its neighbourhood.
RankingReport MeasureRanking(const Phase& phase, const FittedRows& rows,
                             const std::vector<uint32_t>& popularity,
                             int threads);

// Tries what the phase asks for, in this order, and leaves the trials in
// *result:
//
//  1. the values of p, with the phase's κ;
//  2. the values of κ, with the best p;
//  3. the weights of the neighbourhood, with the best κ and p, on some of the
//     users only.
void TryRankings(Phase phase, const FittedRows& rows,
                 const std::vector<uint32_t>& popularity, int threads,
                 PhaseResult* result);

}  // namespace taud::lab

#endif  // TAUD_LAB_PHASE_RANKING_H_
