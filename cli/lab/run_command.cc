// tauctl lab run

#include <iostream>
#include <memory>

#include "cli/lab/commands.h"
#include "cli/lab/options.h"
#include "cli/lab/report.h"

namespace taud::cli {
namespace {

absl::Status RunLab(const Common& common, const Program& program,
                    const LabFlags& flags) {
  auto options = Resolve(flags);
  if (!options.ok()) return options.status();
  absl::Status status = UseTensors(program, &*options);
  if (!status.ok()) return status;
  auto data = LoadData(flags);
  if (!data.ok()) return data.status();
  StopExperimentsOnSignals();
  Progress progress("epochs");
  auto json = RunReported(flags, *data, *options, "", &progress);
  if (!json.ok()) return json.status();
  if (common.json) {
    std::cout << json->dump() << "\n";
  } else {
    std::cout << ToText(*json);
  }
  return absl::OkStatus();
}

}  // namespace

void AddLabRun(CLI::App* lab, const Common* common, const Program* program,
               absl::Status* result) {
  auto flags = std::make_shared<LabFlags>();
  CLI::App* run = lab->add_subcommand(
      "run",
      "Learns from DIR/train.txt and measures on DIR/test.txt, offline. What "
      "must be chosen is chosen on a slice cut from train. Without options it "
      "is the method of the daemon: matrix factorisation, sampled softmax, "
      "adaptive temperatures");
  AddLabFlags(run, flags.get());
  run->callback([common, program, flags, result] {
    *result = RunLab(*common, *program, *flags);
  });
}

}  // namespace taud::cli
