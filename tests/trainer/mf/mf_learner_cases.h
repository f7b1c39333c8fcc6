#ifndef TAUD_TESTS_TRAINER_MF_LEARNER_CASES_H_
#define TAUD_TESTS_TRAINER_MF_LEARNER_CASES_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "trainer/kernels/worker_pool.h"
#include "trainer/mf/mf_learner.h"

namespace taud::trainer {

// One implementation: its name, and how it is made. Null: not here.
struct MfLearnerMaker {
  std::string name;
  std::function<std::unique_ptr<MfLearner>(int dim, WorkerPool* pool)> make;
};
inline void PrintTo(const MfLearnerMaker& maker, std::ostream* out) {
  *out << maker.name;
}

// What every implementation promises; instantiated by the tests of each.
class MfLearnerTest : public testing::TestWithParam<MfLearnerMaker> {
 protected:
  std::unique_ptr<MfLearner> Make(int dim) {
    return GetParam().make(dim, &pool_);
  }
  WorkerPool pool_{2};
};

// What our own implementations promise beyond that. LibTorch's sums on a GPU
// have no fixed order.
class RepeatableMfLearnerTest : public MfLearnerTest {};

inline std::string MakerName(
    const testing::TestParamInfo<MfLearnerMaker>& info) {
  return info.param.name;
}

}  // namespace taud::trainer

#endif  // TAUD_TESTS_TRAINER_MF_LEARNER_CASES_H_
