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

// On the phase's test, with its κ, its p and its neighbourhood, which takes
// rows.neighbours.
RankingReport MeasureRanking(const Phase& phase, const FittedRows& rows,
                             const std::vector<uint32_t>& popularity,
                             int threads);

// The values of p, with the phase's κ and without the neighbourhood.
std::vector<SliceTrial> TryExponents(Phase phase, const FittedRows& rows,
                                     const std::vector<uint32_t>& popularity,
                                     int threads);

// With the phase's p, and first without the neighbourhood: the values of κ, if
// `priors`; then with the best of them the weights of the neighbourhood, if
// there are rows.neighbours.
RankingTrials TryRankings(bool priors, Phase phase, const FittedRows& rows,
                          const std::vector<uint32_t>& popularity, int threads);

}  // namespace taud::lab

#endif  // TAUD_LAB_PHASE_RANKING_H_
