#ifndef TAUD_TESTS_TRAINER_SYNTHETIC_DATA_H_
#define TAUD_TESTS_TRAINER_SYNTHETIC_DATA_H_

#include <cstdint>
#include <vector>

#include "model/interactions.h"
#include "model/item_lists.h"
#include "model/snapshot.h"

namespace taud::trainer {

// Users and items in clusters: a user's items come from its own cluster, so
// that what was held out can be guessed from what was seen.
struct ClusteredData {
  model::ItemLists train, test;
  size_t items = 0;
};

// `users` users, `items` items in `clusters` clusters, user u in cluster
// u % clusters. Each user has `degree` items for training and some for test.
ClusteredData MakeClusters(uint32_t users, uint32_t items, uint32_t clusters,
                           uint32_t degree, uint32_t seed);

// Appends interactions of `kind`, in random order, after those there are.
void AppendAll(const model::ItemLists& lists, uint32_t seed,
               model::Interactions* interactions,
               model::InteractionKind kind = model::InteractionKind::kClick);
void AppendOne(uint32_t user, uint32_t item, model::Interactions* interactions,
               model::InteractionKind kind = model::InteractionKind::kClick,
               float weight = 1.0f);

// Recall@k of a snapshot, and of the most popular items for everybody.
double Recall(const model::Snapshot& snapshot, const ClusteredData& data,
              size_t k);
double PopularityRecall(const ClusteredData& data, size_t k);

double Cosine(const model::Snapshot& snapshot, uint32_t user, uint32_t item);

}  // namespace taud::trainer

#endif  // TAUD_TESTS_TRAINER_SYNTHETIC_DATA_H_
