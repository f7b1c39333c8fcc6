#ifndef TAUD_LAB_PHASE_RANKING_H_
#define TAUD_LAB_PHASE_RANKING_H_

#include <cstdint>
#include <vector>

#include "lab/fit_phase.h"
#include "lab/neighbour_trials.h"
#include "lab/ranking_report.h"
#include "lab/slice_trial.h"

// How the rows of a fit rank, and which way of ranking with them is best. Pure,
// on `threads` threads for the duration of a call. `popularity` [items] counts
// interactions of the phase's train.

namespace taud::lab {

// On the phase's test, with its κ, its p and its neighbourhood; without
// rows.neighbours that adds nothing.
RankingReport MeasureRanking(const Phase& phase, const FittedRows& rows,
                             const std::vector<uint32_t>& popularity,
                             int threads);

// The values of p, with the phase's κ and neighbourhood.
std::vector<SliceTrial> TryExponents(const Phase& phase, const FittedRows& rows,
                                     const std::vector<uint32_t>& popularity,
                                     int threads);

// The values of κ, with the phase's p and neighbourhood.
std::vector<SliceTrial> TryPriors(const Phase& phase, const FittedRows& rows,
                                  const std::vector<uint32_t>& popularity,
                                  int threads);

// The weights of the neighbourhood, with the phase's p and κ.
std::vector<NeighbourTrial> TryNeighbours(
    Phase phase, const FittedRows& rows,
    const std::vector<uint32_t>& popularity, int threads);

}  // namespace taud::lab

#endif  // TAUD_LAB_PHASE_RANKING_H_
