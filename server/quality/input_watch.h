#ifndef TAUD_SERVER_QUALITY_INPUT_WATCH_H_
#define TAUD_SERVER_QUALITY_INPUT_WATCH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "model/state.h"
#include "model/types.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// The most frequent of many values in bounded memory (Misra and Gries 1982):
// with N values its count is at most N / kMost too low. Not thread-safe.
class FrequentValues {
 public:
  static constexpr size_t kMost = 1024;
  void Add(uint32_t value);
  void Clear() { counts_.clear(); }
  const absl::flat_hash_map<uint32_t, uint64_t>& counts() const {
    return counts_;
  }

 private:
  absl::flat_hash_map<uint32_t, uint64_t> counts_;
};

// What comes in: kinds, new users and items, the most active. Two hours: the
// one that runs and the one before. Not thread-safe.
class InputWatch {
 public:
  // Whatever is in `interactions` by now is known and not new.
  void Begin(const model::Interactions& interactions, absl::Time now);
  // `names`: it is one of the sample of which users and items are counted.
  void Add(const model::Interaction& interaction, bool names, absl::Time now);
  // After an erasure: forgets who was active.
  void Clear();
  void Fill(const model::State& state, v1::InputHealth* input) const;

 private:
  struct Hour {
    std::vector<double> kinds =
        std::vector<double>(model::kNumInteractionKinds);
    uint64_t names = 0;  // interactions counted in users and items
    uint64_t new_users = 0;
    uint64_t new_items = 0;
    FrequentValues users;
    FrequentValues items;
    double interactions() const;
  };
  static bool NoteNew(uint32_t index, std::vector<bool>* known);

  absl::Time began_ = absl::InfinitePast();
  Hour now_;
  Hour before_;
  std::vector<bool> users_;  // known
  std::vector<bool> items_;
};

}  // namespace taud::server

#endif  // TAUD_SERVER_QUALITY_INPUT_WATCH_H_
