#ifndef TAUD_CLI_LAB_OPTIONS_H_
#define TAUD_CLI_LAB_OPTIONS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "lab/dataset.h"
#include "lab/experiment.h"
#include "nlohmann/json.hpp"

// The options that the commands of the lab share: what is learned, from what
// data, by which method. Pure but for LoadData.

namespace taud::cli {

// As a person writes them. What each means, its default and its value for "what
// the method itself takes" stand in its row of option_table.cc.
struct LabFlags {
  std::string data;
  double noise;                      // false positives a positive
  std::vector<double> noise_groups;  // the same, by random group of users
  uint64_t noise_seed = 20230430;
  uint32_t padding;  // items that nobody has

  std::string backbone, svdpp_side;
  int layers;
  double message_dropout, alpha0, alpha1;
  std::string loss;
  double ccl_margin, ccl_weight;
  std::string rho, prior, neighbours;
  int neighbour_count;
  std::string negatives, beta, negative_weight, false_negatives;
  int negative_count;
  std::string train_sim, rank_sim, normalize;

  std::string temperature, threshold, tau0_factor;
  double tau, super_loss, common_temperature;
  int equation;

  std::string contrast;
  double contrast_weight, contrast_tau, edge_dropout, perturbation;
  int prototypes;

  double learning_rate, l2, dropout;
  int batch_rows, epochs, dim, threads;
  uint64_t seed;
  std::string device, select;
  int measure_every;
};

// Sets the defaults and adds all options, with --data required.
void AddLabFlags(CLI::App* command, LabFlags* flags);

// The same options as words: of those that are there twice the last counts.
// INVALID_ARGUMENT with what is wrong.
absl::StatusOr<LabFlags> ParseLabFlags(const std::vector<std::string>& words);

// What the lab is to do. INVALID_ARGUMENT naming the option.
absl::StatusOr<lab::ExperimentOptions> Resolve(const LabFlags& flags);

// The flags of a run with what it found in place of what it looked for, ρ, κ, β
// and p: another run with them looks for nothing. `result` is its object.
LabFlags AsFound(LabFlags flags, const nlohmann::ordered_json& result);

// The data with its noise; [user] → noise group, if there are groups.
struct LabData {
  lab::Dataset dataset;
  std::vector<uint8_t> noise_group;
};
absl::StatusOr<LabData> LoadData(const LabFlags& flags);

// Every option that has an influence on the result, by name, resolved: what a
// result is of. Equal descriptions give equal results.
nlohmann::ordered_json Describe(const LabFlags& flags,
                                const lab::ExperimentOptions& options);

}  // namespace taud::cli

#endif  // TAUD_CLI_LAB_OPTIONS_H_
