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

// As a person writes them. An empty string or a 0 stands for what the method
// itself takes (see Resolve).
struct LabFlags {
  std::string data;
  double noise = 0;                  // false positives a positive
  std::vector<double> noise_groups;  // the same, by random group of users
  uint64_t noise_seed = 20230430;
  uint32_t padding = 0;  // items that nobody has

  std::string backbone = "mf";
  int layers = 0;
  double message_dropout = 0;
  std::string svdpp_side = "user";
  double alpha0 = -1, alpha1 = -1;
  std::string loss = "ssm";
  double ccl_margin = 0.4, ccl_weight = 150;
  std::string rho;
  std::string prior;
  std::string negatives;
  int negative_count = 0;
  std::string beta;
  std::string negative_weight = "auto";
  std::string false_negatives = "keep";
  std::string train_sim = "cos";
  std::string rank_sim;
  std::string normalize;
  std::string temperature = "adap_tau";
  double tau = 0.1;
  int equation = 14;
  double super_loss = 0;
  double common_temperature = -1;
  std::string threshold = "mean";
  std::string contrast = "none";
  double contrast_weight = 0.1, contrast_tau = 0.2;
  double edge_dropout = 0.1, perturbation = 0.1;
  int prototypes = 1000;
  double learning_rate = 0;
  int batch_rows = 0;
  double l2 = -1;
  double dropout = -1;
  int epochs = 0;
  int dim = 64;
  uint64_t seed = 1;
  int threads = 1;
  std::string device = "cpu";
  std::string select = "validation";
  int measure_every = 0;
};

// Adds them all, with --data required.
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
