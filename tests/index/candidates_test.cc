#include "index/candidates.h"

#include <cmath>
#include <random>
#include <set>

#include "gtest/gtest.h"

namespace taud::index {
namespace {

// Whatever the true scores are inside their bounds, the best are kept.
TEST(CandidatesTest, KeepsWhatMayBeAmongTheBest) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform;
  for (int round = 0; round < 200; ++round) {
    const size_t k = 1 + random() % 40;
    const size_t n = random() % 3000;
    const float width = round % 3 == 0 ? 0.3f : 0.01f;
    Candidates candidates(k);
    std::vector<std::pair<float, uint32_t>> truth;
    for (size_t i = 0; i < n; ++i) {
      const float score = uniform(random);
      const float bound = width * uniform(random);
      // The estimate lies anywhere within `bound` of the score.
      const float estimate = score + bound * (2 * uniform(random) - 1);
      truth.emplace_back(-score, static_cast<uint32_t>(i));
      candidates.Add(
          {static_cast<uint32_t>(i), estimate - bound, estimate + bound});
    }
    candidates.Prune();
    std::set<uint32_t> kept;
    for (const Candidate& candidate : candidates.kept()) {
      kept.insert(candidate.item);
    }
    std::sort(truth.begin(), truth.end());
    for (size_t i = 0; i < std::min(k, n); ++i) {
      EXPECT_EQ(kept.count(truth[i].second), 1u) << "round " << round;
    }
  }
}

TEST(CandidatesTest, TheThresholdDropsTheHopeless) {
  Candidates candidates(2);
  for (uint32_t i = 0; i < 1000; ++i) {
    const auto score = static_cast<float>(i);
    candidates.Add({i, score, score});
  }
  candidates.Prune();
  EXPECT_EQ(candidates.kept().size(), 2u);
  EXPECT_EQ(candidates.threshold(), 998.0f);
}

TEST(CandidatesTest, EqualScoresAllStay) {
  Candidates candidates(3);
  for (uint32_t i = 0; i < 5000; ++i) candidates.Add({i, 1.0f, 1.0f});
  candidates.Prune();
  EXPECT_EQ(candidates.kept().size(), 5000u);
}

}  // namespace
}  // namespace taud::index
