#include "trainer/online/row_renewal.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

namespace taud::trainer {
namespace {

constexpr double kUnits = 256;  // of a pair

}  // namespace

void RowRenewal::Note(uint32_t row, double settled) {
  const auto units = static_cast<uint32_t>(
      std::lround(kUnits * kTimes * std::clamp(settled, 0.0, 1.0)));
  if (owed_[row] > std::numeric_limits<uint32_t>::max() - units) return;
  owed_[row] += units;
  total_ += units;
}

void RowRenewal::Forget(uint32_t row) {
  total_ -= owed_[row];
  owed_[row] = 0;
}

double RowRenewal::owed() const { return static_cast<double>(total_) / kUnits; }

double RowRenewal::Pay(const std::vector<uint32_t>& degrees,
                       std::vector<float>* visits) {
  uint64_t paid = 0;
  for (uint32_t row = 0; row < owed_.size(); ++row) {
    if (owed_[row] == 0) continue;
    const uint32_t degree = row < degrees.size() ? degrees[row] : 0;
    if (degree == 0) {  // its pairs were erased
      Forget(row);
      continue;
    }
    const double pairs = kUnits * degree;
    const auto most = static_cast<uint32_t>(kMostAtOnce * pairs);
    const uint32_t now = std::min(owed_[row], most);
    owed_[row] -= now;
    paid += now;
    (*visits)[row] *= static_cast<float>(1 - now / pairs);
  }
  total_ -= paid;
  return static_cast<double>(paid) / kUnits;
}

void RowRenewal::Assign(std::vector<uint32_t> state) {
  owed_ = std::move(state);
  total_ = std::accumulate(owed_.begin(), owed_.end(), uint64_t{0});
}

}  // namespace taud::trainer
