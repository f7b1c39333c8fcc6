#include "trainer/neighbours/positive_graph.h"

#include <algorithm>

namespace taud::trainer {
namespace {

const std::vector<uint32_t>& Of(const std::vector<std::vector<uint32_t>>& lists,
                                uint32_t row) {
  static const std::vector<uint32_t>& none = *new std::vector<uint32_t>;
  return row < lists.size() ? lists[row] : none;
}

void Append(uint32_t row, uint32_t value,
            std::vector<std::vector<uint32_t>>* lists) {
  if (row >= lists->size()) lists->resize(size_t{row} + 1);
  (*lists)[row].push_back(value);
}

void Drop(uint32_t row, uint32_t value,
          std::vector<std::vector<uint32_t>>* lists) {
  if (row >= lists->size()) return;
  std::vector<uint32_t>& list = (*lists)[row];
  const auto found = std::find(list.begin(), list.end(), value);
  if (found != list.end()) list.erase(found);
}

}  // namespace

PositiveGraph::PositiveGraph(const model::ItemLists& lists, size_t items)
    : items_of_(lists), users_of_(items) {
  for (uint32_t user = 0; user < lists.size(); ++user) {
    for (const uint32_t item : lists[user]) users_of_[item].push_back(user);
  }
}

void PositiveGraph::Add(uint32_t user, uint32_t item) {
  Append(user, item, &items_of_);
  Append(item, user, &users_of_);
}

void PositiveGraph::Remove(uint32_t user, uint32_t item) {
  Drop(user, item, &items_of_);
  Drop(item, user, &users_of_);
}

const std::vector<uint32_t>& PositiveGraph::items_of(uint32_t user) const {
  return Of(items_of_, user);
}

const std::vector<uint32_t>& PositiveGraph::users_of(uint32_t item) const {
  return Of(users_of_, item);
}

}  // namespace taud::trainer
