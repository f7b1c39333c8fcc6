// On data outside the repository: $TAUD_DATA, or ../shared/data beside it.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/trainer/synthetic_data.h"
#include "trainer/kernels/worker_pool.h"
#include "trainer/online/online_fit.h"

namespace taud::trainer {
namespace {

std::string DataDirectory() {
  const char* given = std::getenv("TAUD_DATA");
  return given != nullptr ? given : TAUD_SOURCE_DIR "/../shared/data";
}

TEST(RecallTest, MovieLensSmallIsLearntBetterThanPopularity) {
  const std::string path = DataDirectory() + "/ml-latest-small/ratings.csv";
  std::ifstream file(path);
  if (!file) GTEST_SKIP() << "needs " << path << "; set TAUD_DATA";
  ClusteredData data;
  std::map<uint32_t, uint32_t> number_of_item;
  std::string line;
  std::getline(file, line);  // header
  for (int row = 0; std::getline(file, line); ++row) {
    std::istringstream fields(line);
    uint32_t user = 0, item = 0;
    char comma = 0;
    ASSERT_TRUE(fields >> user >> comma >> item) << line;
    item = number_of_item
               .emplace(item, static_cast<uint32_t>(number_of_item.size()))
               .first->second;
    data.train.resize(std::max<size_t>(data.train.size(), user + 1));
    data.test.resize(data.train.size());
    (row % 10 == 7 ? data.test : data.train)[user].push_back(item);
  }
  data.items = number_of_item.size();

  model::Interactions interactions;
  AppendAll(data.train, 1, &interactions);
  WorkerPool pool(2);
  OnlineFit fit({}, MakeCpuMf(32, &pool));
  fit.Absorb(interactions);
  while (!fit.Settled()) ASSERT_TRUE(fit.Step().ok());
  const double popularity = PopularityRecall(data, 20);
  const double learnt = Recall(*fit.MakeSnapshot(), data, 20);
  RecordProperty("recall", std::to_string(learnt));
  EXPECT_GT(learnt, 1.2 * popularity) << "popularity " << popularity;
}

}  // namespace
}  // namespace taud::trainer
