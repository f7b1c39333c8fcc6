// What is parsed says the same of each item, whether it is asked for all of
// them or for one.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/catalogue.h"
#include "model/check.h"
#include "model/expression.h"

namespace {

constexpr taud::model::ItemIndex kItems = 8;

void Fill(taud::model::Catalogue* catalogue) {
  using taud::model::PropertyTime;
  for (taud::model::ItemIndex i = 0; i < kItems; ++i) {
    taud::model::ItemRecord record;
    if (i % 2 == 0) record.tags = {"t"};
    if (i % 3 == 0) record.properties["a"] = static_cast<double>(i);
    if (i % 3 == 1) record.properties["a"] = std::string("x");
    if (i % 2 == 1) record.properties["b"] = i > 4;
    if (i > 4) {
      record.properties["genre"] = std::vector<std::string>{"comedy", "x"};
    }
    if (i > 5) record.properties["out"] = PropertyTime{1795219200000 + i};
    catalogue->Upsert(i, record);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taud::model;
  const auto parsed = ParseExpression(
      absl::string_view(reinterpret_cast<const char*>(data), size));
  if (!parsed.ok()) {
    TAUD_CHECK(!parsed.status().message().empty());
    return 0;
  }
  static const auto* catalogue = [] {
    auto* made = new Catalogue;
    Fill(made);
    return made;
  }();
  TagFilter filter;
  filter.expression = std::make_shared<const Expression>(*parsed);
  Bitmap matching;
  catalogue->FillMatching(filter, kItems, &matching);
  std::vector<ItemIndex> items;
  for (ItemIndex i = 0; i < kItems; ++i) items.push_back(i);
  std::vector<char> each;
  catalogue->MatchEach(*parsed, items, &each);
  for (ItemIndex i = 0; i < kItems; ++i) {
    TAUD_CHECK(matching.Test(i) == (each[i] != 0));
  }
  return 0;
}
