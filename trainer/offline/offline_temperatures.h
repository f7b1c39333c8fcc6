#ifndef TAUD_TRAINER_OFFLINE_OFFLINE_TEMPERATURES_H_
#define TAUD_TRAINER_OFFLINE_OFFLINE_TEMPERATURES_H_

#include <cstdint>
#include <vector>

#include "trainer/offline/offline_options.h"
#include "trainer/temperature/temperature.h"

namespace taud::trainer {

// The temperatures of an offline fit: τ₀ from the moments at the end of each
// epoch, under the governor, and τ_u by Eq. 16 from the epoch's mean loss of
// each user. Thread-compatible.
class OfflineTemperatures {
 public:
  // `degrees` [user]: positives; users with 0 have no temperature.
  OfflineTemperatures(const OfflineFitOptions& options,
                      std::vector<uint32_t> degrees, double log_sparsity);

  // τ₀, and τ_u for a user with positives. Not for rules that learn it.
  double tau0() const { return tau0_; }
  float Of(uint32_t user) const;
  // The temperature at which Add wants its losses in this epoch.
  double common() const;

  // The SSM loss of one row of the user, at common().
  void Add(uint32_t user, double loss) { loss_sum_[user] += loss; }

  // Adapts. `moments` are of the rows as they are after the epoch.
  void EndEpoch(const CosineMoments& moments);

 private:
  bool MovesTau0() const;
  void GovernTau0(double gap, double elapsed);
  void CompareUsers();

  // Constant after construction.
  const OfflineFitOptions options_;
  const std::vector<uint32_t> degrees_;
  const double log_sparsity_;

  int epochs_ = 0;
  double tau0_ = 0;
  std::vector<double> loss_sum_;   // of this epoch
  std::vector<double> user_loss_;  // L(u) of the last epoch
  double threshold_ = 0;           // m_u of Eq. 16
};

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_OFFLINE_OFFLINE_TEMPERATURES_H_
