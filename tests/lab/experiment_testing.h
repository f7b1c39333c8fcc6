#ifndef TAUD_TESTS_LAB_EXPERIMENT_TESTING_H_
#define TAUD_TESTS_LAB_EXPERIMENT_TESTING_H_

#include <algorithm>
#include <random>
#include <set>

#include "gtest/gtest.h"
#include "lab/experiment.h"

namespace taud::lab {

inline constexpr uint32_t kClusters = 6;

// Users take items of their own cluster only; two of each user's are for test.
inline Dataset Clusters() {
  Dataset dataset;
  dataset.items = 180;
  dataset.train.resize(150);
  dataset.test.resize(150);
  std::mt19937 random(4);
  for (uint32_t u = 0; u < 150; ++u) {
    std::set<uint32_t> taken;
    while (taken.size() < 14) {
      taken.insert(random() % (dataset.items / kClusters) * kClusters +
                   u % kClusters);
    }
    std::vector<uint32_t> items(taken.begin(), taken.end());
    std::shuffle(items.begin(), items.end(), random);
    dataset.test[u].assign(items.begin(), items.begin() + 2);
    dataset.train[u].assign(items.begin() + 2, items.end());
    std::sort(dataset.train[u].begin(), dataset.train[u].end());
  }
  return dataset;
}

inline ExperimentOptions Small() {
  ExperimentOptions options;
  options.fit.schedule_epochs = 10;
  options.fit.learning_rate = 6e-3;
  options.fit.dim = 16;
  options.find_rho = false;
  options.find_prior = false;
  return options;
}

inline bool GoOn(const ExperimentProgress&) { return true; }

class ExperimentTest : public testing::Test {
 protected:
  ExperimentResult Run(const ExperimentOptions& options,
                       const ExperimentObserver& observer = GoOn) {
    auto result = RunExperiment(dataset_, options, observer);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : ExperimentResult();
  }
  const Dataset dataset_ = Clusters();
};

}  // namespace taud::lab

#endif  // TAUD_TESTS_LAB_EXPERIMENT_TESTING_H_
