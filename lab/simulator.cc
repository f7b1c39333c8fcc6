#include "lab/simulator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "model/check.h"

namespace taud::lab {
namespace {

const char* const kGenres[] = {"comedy",  "crime",   "drama",   "fantasy",
                               "history", "horror",  "jazz",    "mystery",
                               "nature",  "romance", "science", "western"};
constexpr int kMaxTries = 20;

}  // namespace

Simulator::Simulator(const Options& options)
    : options_(options), random_(options.seed) {
  TAUD_CHECK(options_.users > 0 && options_.items > 0 && options_.genres > 0 &&
             options_.genres <= options_.items);
  items_of_genre_.resize(options_.genres);
  for (uint32_t i = 0; i < options_.items; ++i) {
    const uint32_t genre = i % options_.genres;
    const uint32_t names = std::size(kGenres);
    const std::string name =
        genre < names ? kGenres[genre] : absl::StrCat("genre", genre);
    const auto rank = items_of_genre_[genre].size() + 1;
    items_.push_back({absl::StrCat("item-", i),
                      absl::StrCat("The ", name, " no. ", rank), name});
    items_of_genre_[genre].push_back(i);
  }
  for (const auto& items : items_of_genre_) {
    std::vector<double> cumulative;
    double sum = 0;
    for (size_t rank = 1; rank <= items.size(); ++rank) {
      sum += 1.0 / static_cast<double>(rank);
      cumulative.push_back(sum);
    }
    cumulative_.push_back(std::move(cumulative));
  }
  taken_.assign(options_.users, std::vector<bool>(options_.items, false));
  first_genre_.resize(options_.users);
  second_genre_.resize(options_.users);
  for (uint32_t u = 0; u < options_.users; ++u) {
    first_genre_[u] = Below(options_.genres);
    second_genre_[u] = Below(options_.genres);
  }
}

std::string Simulator::UserId(uint32_t user) const {
  return absl::StrCat("user-", user);
}

const std::string& Simulator::FavouriteGenre(uint32_t user) const {
  return items_[items_of_genre_[first_genre_[user]][0]].genre;
}

Simulator::Event Simulator::Next() {
  Event event;
  event.user = Below(options_.users);
  for (int attempt = 0; attempt < kMaxTries; ++attempt) {
    event.item = PickItem(PickGenre(event.user));
    if (!taken_[event.user][event.item]) break;
  }
  taken_[event.user][event.item] = true;
  const double kind = Uniform();
  event.kind = kind < 0.6    ? model::InteractionKind::kView
               : kind < 0.8  ? model::InteractionKind::kClick
               : kind < 0.95 ? model::InteractionKind::kLike
                             : model::InteractionKind::kPurchase;
  return event;
}

void Simulator::Drift() {
  for (uint32_t u = 0; u < options_.users; ++u) {
    first_genre_[u] =
        (first_genre_[u] + 1 + options_.genres / 2) % options_.genres;
    second_genre_[u] =
        (second_genre_[u] + 1 + options_.genres / 2) % options_.genres;
  }
}

// std's distributions differ between libraries; these do not.
uint32_t Simulator::Below(uint32_t n) {
  return static_cast<uint32_t>(Uniform() * n);
}

double Simulator::Uniform() {
  return static_cast<double>(random_() >> 11) * 0x1.0p-53;
}

uint32_t Simulator::PickGenre(uint32_t user) {
  const double u = Uniform();
  if (u < options_.stray) return Below(options_.genres);
  const double rest = (u - options_.stray) / (1 - options_.stray);
  return rest < 2.0 / 3.0 ? first_genre_[user] : second_genre_[user];
}

uint32_t Simulator::PickItem(uint32_t genre) {
  const std::vector<double>& cumulative = cumulative_[genre];
  const double u = Uniform() * cumulative.back();
  const auto it = std::upper_bound(cumulative.begin(), cumulative.end(), u);
  const auto rank = std::min<size_t>(
      static_cast<size_t>(it - cumulative.begin()), cumulative.size() - 1);
  return items_of_genre_[genre][rank];
}

}  // namespace taud::lab
