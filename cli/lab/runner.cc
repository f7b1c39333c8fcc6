#include "cli/lab/runner.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/lab/report.h"
#include "lab/dataset.h"

namespace taud::cli {

absl::StatusOr<LabRunner> LabRunner::Open(const std::string& directory) {
  auto cache = LabCache::Open(directory + "/runs");
  if (!cache.ok()) return cache.status();
  return LabRunner(*std::move(cache));
}

absl::StatusOr<LabRun> LabRunner::Plan(const LabFlags& flags) {
  auto options = Resolve(flags);
  if (!options.ok()) return options.status();
  auto known = fingerprints_.find(flags.data);
  if (known == fingerprints_.end()) {
    const auto dataset = lab::ReadDataset(flags.data);
    if (!dataset.ok()) return dataset.status();
    known = fingerprints_.emplace(flags.data, dataset->Fingerprint()).first;
  }
  LabRun run = {flags, *std::move(options), {}};
  run.key = MakeLabKey(Describe(run.flags, run.options), known->second);
  return run;
}

std::optional<nlohmann::ordered_json> LabRunner::Find(
    const LabRun& run, Progress* progress) const {
  auto found = cache_.Find(run.key);
  if (found.ok()) return *std::move(found);
  progress->Note(absl::StrCat(found.status().message(), ": it is run again"));
  return std::nullopt;
}

absl::Status LabRunner::Load(const LabFlags& flags) {
  const std::string wanted =
      absl::StrCat(flags.data, "\n", flags.noise, "\n",
                   absl::StrJoin(flags.noise_groups, ","), "\n",
                   flags.noise_seed, "\n", flags.padding);
  if (wanted == loaded_) return absl::OkStatus();
  auto data = LoadData(flags);
  if (!data.ok()) return data.status();
  data_ = *std::move(data);
  loaded_ = wanted;
  return absl::OkStatus();
}

absl::StatusOr<nlohmann::ordered_json> LabRunner::Run(const LabRun& run,
                                                      const std::string& label,
                                                      Progress* progress) {
  absl::Status status = Load(run.flags);
  if (!status.ok()) return status;
  auto result = RunReported(run.flags, data_, run.options, label, progress);
  if (!result.ok()) return result.status();
  status = cache_.Store(run.key, *result);
  if (!status.ok()) return status;
  return result;
}

}  // namespace taud::cli
