#ifndef TAUD_TESTS_SERVER_TEST_WORLD_H_
#define TAUD_TESTS_SERVER_TEST_WORLD_H_

// Small snapshots and states for the tests of the server room.

#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "model/expression.h"
#include "model/snapshot.h"
#include "model/state.h"
#include "server/serving/serving_model.h"

namespace taud::server {

// Random unit rows; every user and item trained, item i with popularity
// items - i.
inline std::unique_ptr<model::Snapshot> MakeSnapshot(size_t users, size_t items,
                                                     size_t dim, int seed = 1) {
  std::mt19937 random(static_cast<uint32_t>(seed));
  std::normal_distribution<float> normal;
  auto s = std::make_unique<model::Snapshot>();
  s->users = model::Matrix(users, dim);
  s->items = model::Matrix(items, dim);
  for (model::Matrix* matrix : {&s->users, &s->items}) {
    for (size_t r = 0; r < matrix->rows; ++r) {
      double sum = 0;
      for (size_t c = 0; c < dim; ++c) {
        matrix->Row(r)[c] = normal(random);
        sum += double{matrix->Row(r)[c]} * matrix->Row(r)[c];
      }
      for (size_t c = 0; c < dim; ++c) {
        matrix->Row(r)[c] /= static_cast<float>(std::sqrt(sum));
      }
    }
  }
  s->user_degree.assign(users, 5);
  s->temperatures.assign(users, 0.1f);
  for (size_t i = 0; i < items; ++i) {
    s->item_popularity.push_back(static_cast<uint32_t>(items - i));
  }
  s->tau0 = 0.2f;
  return s;
}

inline void Untrain(size_t item, model::Snapshot* snapshot) {
  snapshot->item_popularity[item] = 0;
  for (size_t c = 0; c < snapshot->dim(); ++c) snapshot->items.Row(item)[c] = 0;
}

inline std::shared_ptr<const ServingModel> Build(
    std::unique_ptr<model::Snapshot> snapshot) {
  index::IndexBuilder builder{index::IndexOptions()};
  auto built = BuildServingModel(std::move(snapshot), &builder);
  EXPECT_TRUE(built.ok()) << built.status();
  return built.ok() ? *built : nullptr;
}

// What is true for items with the tag.
inline std::shared_ptr<const model::Expression> HasTag(const std::string& tag) {
  const auto parsed = model::ParseExpression("tags == '" + tag + "'");
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return std::make_shared<const model::Expression>(*parsed);
}

// Users u0…, items i0… in the dictionaries.
inline void FillDictionaries(size_t users, size_t items, model::State* state) {
  for (size_t u = 0; u < users; ++u) state->users.Insert(absl::StrCat("u", u));
  for (size_t i = 0; i < items; ++i) state->items.Insert(absl::StrCat("i", i));
}

inline void Interact(
    model::UserIndex user, model::ItemIndex item, model::State* state,
    model::InteractionKind kind = model::InteractionKind::kView) {
  model::Interaction interaction;
  interaction.sequence = state->interactions.last_sequence() + 1;
  interaction.user = user;
  interaction.item = item;
  interaction.kind = kind;
  state->interactions.Append(interaction);
}

}  // namespace taud::server

#endif  // TAUD_TESTS_SERVER_TEST_WORLD_H_
