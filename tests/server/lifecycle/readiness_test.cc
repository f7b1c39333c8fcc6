#include "server/lifecycle/readiness.h"

#include <string>

#include "gtest/gtest.h"

namespace taud::server {
namespace {

TEST(ReadinessTest, AllIsNotReadBeforeItIs) {
  EXPECT_EQ(ReadPercent(0, 0), 0);
  EXPECT_EQ(ReadPercent(0, 10), 0);
  EXPECT_EQ(ReadPercent(43, 100), 43);
  EXPECT_EQ(ReadPercent(999, 1000), 99);
  EXPECT_EQ(ReadPercent(10, 10), 99);
  // Products of such counts have no place in 64 bits.
  EXPECT_EQ(ReadPercent(uint64_t{1} << 62, uint64_t{1} << 63), 50);
}

// What is said of each service: r(ecommendation), i(ngestion), c(atalog),
// m(odel), w(hole).
std::string Up(const ServiceHealth& health) {
  std::string up;
  if (health.recommendation) up += 'r';
  if (health.ingestion) up += 'i';
  if (health.catalog) up += 'c';
  if (health.model) up += 'm';
  if (health.whole) up += 'w';
  return up;
}

TEST(ReadinessTest, SaysWhatCanBeAsked) {
  const struct {
    Standing standing;
    const char* why;
    const char* up;
  } cases[] = {
      // phase, has_snapshot, takes_writes, log_read_percent, early
      {{Phase::kStarting, false, true, 0, false},
       "no snapshot serves yet; reading the log, 0 %",
       "m"},
      {{Phase::kStarting, false, true, 0, true},
       "no snapshot serves yet; reading the log, 0 %",
       "m"},
      {{Phase::kStarting, true, true, 43, false}, "reading the log, 43 %", "m"},
      {{Phase::kStarting, true, true, 43, true}, "", "rm"},
      // The log is read, training is being resumed.
      {{Phase::kStarting, true, true, 100, false}, "", "rm"},
      {{Phase::kServing, false, true, 100, false},
       "no snapshot serves yet",
       "icm"},
      {{Phase::kServing, true, true, 100, false}, "", "ricmw"},
      {{Phase::kServing, true, false, 100, false}, "", "rcmw"},
      {{Phase::kDraining, true, true, 100, false}, "draining", ""},
      // A start that failed on the way.
      {{Phase::kDraining, true, true, 43, true}, "draining", ""},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.why);
    EXPECT_EQ(WhyNotReady(one.standing), one.why);
    EXPECT_EQ(Up(HealthOf(one.standing)), one.up);
  }
}

}  // namespace
}  // namespace taud::server
