#ifndef TAUD_LAB_SIMULATOR_H_
#define TAUD_LAB_SIMULATOR_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "model/types.h"

namespace taud::lab {

// A made-up world of interactions, for demonstrations and tests without data.
//
// Items belong to genres and are popular by Zipf's law within theirs; each
// user likes two genres, one twice as much as the other, and now and then
// strays. A user takes an item at most once. The same options give the same
// stream, on every machine.
//
// Thread-compatible.
class Simulator {
 public:
  struct Options {
    uint32_t users = 1000;
    uint32_t items = 2000;
    uint32_t genres = 12;
    double stray = 0.1;  // share of interactions outside the user's genres
    uint64_t seed = 1;
  };
  struct Item {
    std::string id;
    std::string title;
    std::string genre;
  };
  struct Event {
    uint32_t user = 0;
    uint32_t item = 0;
    model::InteractionKind kind = model::InteractionKind::kView;
  };

  // REQUIRES: users, items, genres > 0, genres <= items; a CHECK otherwise.
  explicit Simulator(const Options& options);

  const std::vector<Item>& items() const { return items_; }
  std::string UserId(uint32_t user) const;
  // The genre the user likes most, as items()[…].genre spells it.
  const std::string& FavouriteGenre(uint32_t user) const;

  // The next interaction. When a user has taken nearly everything, items
  // come again.
  Event Next();

  // From here on every user likes two other genres: an abrupt drift.
  void Drift();

 private:
  uint32_t Below(uint32_t n);  // uniform in [0, n)
  double Uniform();            // in [0, 1)
  uint32_t PickGenre(uint32_t user);
  uint32_t PickItem(uint32_t genre);

  const Options options_;
  std::mt19937_64 random_;
  std::vector<Item> items_;
  std::vector<std::vector<uint32_t>> items_of_genre_;  // most popular first
  std::vector<std::vector<double>> cumulative_;        // Zipf, by genre
  std::vector<uint32_t> first_genre_;                  // by user
  std::vector<uint32_t> second_genre_;
  std::vector<std::vector<bool>> taken_;  // by user, by item
};

}  // namespace taud::lab

#endif  // TAUD_LAB_SIMULATOR_H_
