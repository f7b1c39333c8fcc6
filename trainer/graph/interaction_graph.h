#ifndef TAUD_TRAINER_GRAPH_INTERACTION_GRAPH_H_
#define TAUD_TRAINER_GRAPH_INTERACTION_GRAPH_H_

#include <cstdint>
#include <random>
#include <vector>

#include "model/item_lists.h"
#include "trainer/kernels/sparse_rows.h"

namespace taud::trainer {

// The bipartite graph of users and items as entries of sparse matrices. Pure.

// Â = D^−½ A D^−½ over users, then items: [(n + m) × (n + m)], symmetric
// (LightGCN, He et al., SIGIR 2020, Eq. 8). With `keep` < 1 each edge is kept
// with that probability first, in both directions (SGL's edge dropout, Wu et
// al., SIGIR 2021); degrees are then those of the edges kept.
std::vector<SparseEntry> SymmetricGraph(const model::ItemLists& train,
                                        uint32_t num_items, double keep,
                                        std::mt19937_64* random);

// [n × m], entry (u, i) 1 / (|P_u|^α₀ |P_i|^α₁): from items to users (SVD++;
// SSM, Eq. 16).
std::vector<SparseEntry> UserHistories(const model::ItemLists& train,
                                       uint32_t num_items, double alpha0,
                                       double alpha1);

// [m × n], entry (i, u) 1 / (|P_i|^α₀ |P_u|^α₁): from users to items (SSM,
// Eq. 30).
std::vector<SparseEntry> ItemHistories(const model::ItemLists& train,
                                       uint32_t num_items, double alpha0,
                                       double alpha1);

}  // namespace taud::trainer

#endif  // TAUD_TRAINER_GRAPH_INTERACTION_GRAPH_H_
