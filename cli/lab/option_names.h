#ifndef TAUD_CLI_LAB_OPTION_NAMES_H_
#define TAUD_CLI_LAB_OPTION_NAMES_H_

#include <string>

#include "cli/lab/option_row.h"
#include "cli/lab/options.h"
#include "lab/experiment.h"

// The words that the lab's options take, and what they stand for. Pure.

namespace taud::cli {

const Names<trainer::Loss>& Losses();
const Names<trainer::NegativeSource>& Sources();
const Names<trainer::TemperatureRule>& Rules();
const Names<trainer::Normalize>& Normalizations();
const Names<trainer::Contrast>& Contrasts();
const Names<lab::Select>& Selects();

trainer::Backbone BackboneOf(const LabFlags& flags);
trainer::RankBy RankOf(const std::string& name);

// What --rank-sim came to.
std::string RankName(const lab::ExperimentOptions& options);

// --rho, --prior and --neighbours, "auto" or a number, with the default where
// they are not given. `fit` has its backbone, its loss and its norms.
std::string RhoOf(const LabFlags& flags, const trainer::OfflineFitOptions& fit);
std::string PriorOf(const LabFlags& flags,
                    const trainer::OfflineFitOptions& fit);
std::string Tau0FactorOf(const LabFlags& flags,
                         const trainer::OfflineFitOptions& fit);
std::string NeighboursOf(const LabFlags& flags,
                         const trainer::OfflineFitOptions& fit);

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_OPTION_NAMES_H_
