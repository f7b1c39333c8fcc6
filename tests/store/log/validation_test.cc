#include "store/log/validation.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace taud::store {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

NewInteraction Good() {
  NewInteraction interaction;
  interaction.user_id = "u";
  interaction.item_id = "i";
  return interaction;
}

TEST(CheckInteractionsTest, AcceptsTheLimits) {
  NewInteraction interaction = Good();
  interaction.user_id = std::string(256, 'u');
  interaction.event_id = std::string(256, 'e');
  interaction.weight = 100.0f;
  EXPECT_TRUE(CheckInteractions({interaction, Good()}).ok());
  EXPECT_TRUE(CheckInteractions({}).ok());
}

TEST(CheckInteractionsTest, NamesFieldAndValue) {
  const struct {
    void (*change)(NewInteraction*);
    const char* message;
  } cases[] = {
      {[](NewInteraction* i) { i->user_id.clear(); }, "user_id is empty"},
      {[](NewInteraction* i) { i->item_id.clear(); }, "item_id is empty"},
      {[](NewInteraction* i) { i->user_id.assign(257, 'x'); },
       "user_id has 257 bytes"},
      {[](NewInteraction* i) { i->item_id = "\xff\xfe"; },
       "item_id is not UTF-8: \"\\xff\\xfe\""},
      {[](NewInteraction* i) { i->event_id.assign(300, 'x'); },
       "event_id has 300 bytes"},
      {[](NewInteraction* i) { i->event_id = "\x80"; },
       "event_id is not UTF-8"},
      {[](NewInteraction* i) { i->weight = 0; }, "weight is 0"},
      {[](NewInteraction* i) { i->weight = -1; }, "weight is -1"},
      {[](NewInteraction* i) { i->weight = 100.5f; }, "weight is 100.5"},
      {[](NewInteraction* i) { i->weight = std::nanf(""); }, "weight is nan"},
      {[](NewInteraction* i) {
         i->weight = std::numeric_limits<float>::infinity();
       },
       "weight is inf"},
      {[](NewInteraction* i) {
         i->kind = static_cast<model::InteractionKind>(0);
       },
       "kind is 0"},
      {[](NewInteraction* i) {
         i->kind = static_cast<model::InteractionKind>(7);
       },
       "kind is 7"},
  };
  for (const auto& c : cases) {
    std::vector<NewInteraction> batch = {Good(), Good()};
    c.change(&batch[1]);
    const absl::Status status = CheckInteractions(batch);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.message;
    EXPECT_THAT(std::string(status.message()),
                StartsWith(std::string("interactions[1].") + c.message));
  }
}

TEST(CheckItemsTest, NamesFieldAndValue) {
  const struct {
    void (*change)(NewItem*);
    const char* message;
  } cases[] = {
      {[](NewItem* i) { i->id.clear(); }, "items[0].id is empty"},
      {[](NewItem* i) { i->record.title.assign(1025, 't'); },
       "items[0].title has 1025 bytes"},
      {[](NewItem* i) { i->record.title = "\xc3"; }, "title is not UTF-8"},
      {[](NewItem* i) { i->record.tags.assign(65, "t"); },
       "tags has 65 values"},
      {[](NewItem* i) {
         i->record.tags = {"a", ""};
       },
       "tags[1] is empty"},
      {[](NewItem* i) { i->record.tags = {std::string(129, 't')}; },
       "tags[0] has 129 bytes"},
      {[](NewItem* i) {
         i->record.tags = {"a", "b", "a"};
       },
       "tags[2] is there twice: \"a\""},
  };
  for (const auto& c : cases) {
    NewItem item;
    item.id = "i";
    item.record.tags = {"a", "b"};
    ASSERT_TRUE(CheckItems({item}).ok());
    c.change(&item);
    const absl::Status status = CheckItems({item});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message));
  }
}

}  // namespace
}  // namespace taud::store
