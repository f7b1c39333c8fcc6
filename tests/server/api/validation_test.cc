#include "server/api/validation.h"

#include <cmath>
#include <functional>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/rpc/errors.h"
#include "taud/v1/error_details.pb.h"

namespace taud::server {
namespace {

using testing::HasSubstr;

constexpr int64_t kNow = 1700000000000;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

v1::Interaction Good() {
  v1::Interaction interaction;
  interaction.set_user_id("u");
  interaction.set_item_id("i");
  return interaction;
}

struct BadInteraction {
  const char* name;
  std::function<void(v1::Interaction*)> spoil;
  const char* message;
};

class BadInteractionTest : public testing::TestWithParam<BadInteraction> {};

TEST_P(BadInteractionTest, NamesTheField) {
  v1::Interaction interaction = Good();
  GetParam().spoil(&interaction);
  const auto checked = CheckInteraction(interaction, kNow);
  ASSERT_FALSE(checked.ok());
  EXPECT_TRUE(absl::IsInvalidArgument(checked.status()));
  EXPECT_THAT(std::string(checked.status().message()),
              HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadInteractionTest,
    testing::Values(
        BadInteraction{"NoUser", [](auto* i) { i->clear_user_id(); },
                       "user_id: is empty"},
        BadInteraction{"NoItem", [](auto* i) { i->clear_item_id(); },
                       "item_id: is empty"},
        BadInteraction{"LongUser",
                       [](auto* i) { i->set_user_id(std::string(257, 'x')); },
                       "user_id: has 257 bytes; allowed: 1 to 256"},
        BadInteraction{"LongEvent",
                       [](auto* i) { i->set_event_id(std::string(257, 'x')); },
                       "event_id: has 257 bytes"},
        BadInteraction{"Latin1", [](auto* i) { i->set_user_id("caf\xE9"); },
                       "user_id: is not UTF-8"},
        BadInteraction{"Overlong", [](auto* i) { i->set_item_id("\xC0\xAF"); },
                       "item_id: is not UTF-8"},
        BadInteraction{"Surrogate",
                       [](auto* i) { i->set_item_id("\xED\xA0\x80"); },
                       "item_id: is not UTF-8"},
        BadInteraction{"BeyondUnicode",
                       [](auto* i) { i->set_item_id("\xF4\x90\x80\x80"); },
                       "item_id: is not UTF-8"},
        BadInteraction{"CutShort", [](auto* i) { i->set_item_id("a\xE2\x82"); },
                       "item_id: is not UTF-8"},
        BadInteraction{"NanWeight", [](auto* i) { i->set_weight(kNan); },
                       "weight: nan is not allowed"},
        BadInteraction{"InfiniteWeight",
                       [](auto* i) { i->set_weight(kInfinity); },
                       "weight: inf is not allowed"},
        BadInteraction{"NegativeWeight", [](auto* i) { i->set_weight(-1); },
                       "weight: -1 is not allowed"},
        BadInteraction{"HeavyWeight", [](auto* i) { i->set_weight(100.5f); },
                       "weight: 100.5 is not allowed"},
        BadInteraction{"FarFuture",
                       [](auto* i) { i->set_time_ms(kNow + 86400001); },
                       "time_ms:"},
        BadInteraction{"BeforeTime", [](auto* i) { i->set_time_ms(-1); },
                       "time_ms: -1"},
        BadInteraction{"Seconds", [](auto* i) { i->set_time_ms(1658000000); },
                       "time_ms: 1658000000 would be 1970-01-20: these look "
                       "like seconds. Send milliseconds, or set time_unit"},
        BadInteraction{
            "UnknownKind",
            [](auto* i) { i->set_kind(static_cast<v1::InteractionKind>(7)); },
            "kind: 7 is unknown; allowed: 0 to 6"},
        BadInteraction{
            "NegativeKind",
            [](auto* i) { i->set_kind(static_cast<v1::InteractionKind>(-1)); },
            "kind: -1 is unknown"}),
    [](const auto& c) { return c.param.name; });

TEST(CheckInteractionTest, DefaultsAndLimits) {
  auto checked = CheckInteraction(Good(), kNow);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->weight, 1.0f);
  EXPECT_EQ(checked->time_ms, kNow);
  EXPECT_EQ(checked->kind, model::InteractionKind::kView);

  v1::Interaction edge = Good();
  edge.set_user_id(std::string(256, 'x'));
  edge.set_item_id("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  edge.set_weight(100);
  edge.set_time_ms(kNow + 86400000);
  edge.set_kind(v1::INTERACTION_KIND_DISLIKE);
  checked = CheckInteraction(edge, kNow);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->kind, model::InteractionKind::kDislike);
}

TEST(CheckInteractionTest, SecondsWhereTheyAreSaidToBe) {
  v1::Interaction interaction = Good();
  interaction.set_time_ms(1658000000);
  auto checked = CheckInteraction(interaction, kNow, v1::TIME_UNIT_SECONDS);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_EQ(checked->time_ms, 1658000000000);
  interaction.set_time_ms(1658000000000);
  checked = CheckInteraction(interaction, kNow, v1::TIME_UNIT_SECONDS);
  EXPECT_THAT(std::string(checked.status().message()),
              HasSubstr("Unix seconds from 100000000"));
  checked = CheckInteraction(interaction, kNow, static_cast<v1::TimeUnit>(7));
  EXPECT_THAT(std::string(checked.status().message()),
              HasSubstr("time_unit: 7 is unknown"));
}

TEST(CheckKTest, Bounds) {
  for (const int32_t k : {0, -1, 1001, std::numeric_limits<int32_t>::max(),
                          std::numeric_limits<int32_t>::min()}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckK(k))) << k;
  }
  EXPECT_TRUE(CheckK(1).ok());
  EXPECT_TRUE(CheckK(1000).ok());
}

TEST(CheckItemTest, Limits) {
  v1::Item item;
  item.set_id("i");
  EXPECT_TRUE(CheckItem(item).ok());

  v1::Item twice = item;
  twice.add_tags("a");
  twice.add_tags("a");
  EXPECT_TRUE(absl::IsInvalidArgument(CheckItem(twice).status()));

  v1::Item many = item;
  for (int t = 0; t < 65; ++t) many.add_tags(std::to_string(t));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckItem(many).status()));

  v1::Item empty_tag = item;
  empty_tag.add_tags("");
  EXPECT_TRUE(absl::IsInvalidArgument(CheckItem(empty_tag).status()));

  v1::Item long_title = item;
  long_title.set_title(std::string(1025, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckItem(long_title).status()));

  v1::Item window = item;
  window.set_available_from_ms(5);
  window.set_available_until_ms(5);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckItem(window).status()));
  window.set_available_until_ms(6);
  EXPECT_TRUE(CheckItem(window).ok());
}

TEST(CheckFilterTest, DropsUnknownIdsAndRefusesBadOnes) {
  model::Dictionary items;
  items.Insert("a");
  items.Insert("b");
  v1::Filter filter;
  filter.add_exclude_ids("b");
  filter.add_exclude_ids("unknown");
  auto checked = CheckFilter(filter, items);
  ASSERT_TRUE(checked.ok());
  EXPECT_TRUE(checked->exclude_seen);
  EXPECT_THAT(checked->excluded, testing::ElementsAre(1));

  filter.add_exclude_ids("");
  EXPECT_THAT(std::string(CheckFilter(filter, items).status().message()),
              HasSubstr("filter.exclude_ids: is empty"));
  v1::Filter tags;
  for (int t = 0; t < 65; ++t) tags.add_all_tags("t");
  EXPECT_THAT(std::string(CheckFilter(tags, items).status().message()),
              HasSubstr("filter.all_tags: has 65 entries; at most 64"));
}

TEST(CheckAfterSequenceTest, States) {
  EXPECT_TRUE(CheckAfterSequence(5, 5, false).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckAfterSequence(6, 5, false)));
  EXPECT_TRUE(absl::IsUnavailable(CheckAfterSequence(6, 5, true)));
}

TEST(ErrorsTest, DetailsNameFieldRetryAndRequest) {
  const grpc::Status bad = ToGrpcStatus(
      PrefixField("interactions[3]", FieldError("user_id", "is empty")), "r1");
  EXPECT_EQ(bad.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(bad.error_message(), "interactions[3].user_id: is empty");
  v1::ErrorStatus details;
  ASSERT_TRUE(details.ParseFromString(bad.error_details()));
  bool named = false;
  bool requested = false;
  for (const auto& any : details.details()) {
    v1::BadRequest violation;
    v1::RequestInfo request;
    if (any.type_url() == "type.googleapis.com/google.rpc.BadRequest") {
      ASSERT_TRUE(violation.ParseFromString(any.value()));
      named =
          violation.field_violations(0).field() == "interactions[3].user_id";
    }
    if (any.type_url() == "type.googleapis.com/google.rpc.RequestInfo") {
      ASSERT_TRUE(request.ParseFromString(any.value()));
      requested = request.request_id() == "r1";
    }
  }
  EXPECT_TRUE(named);
  EXPECT_TRUE(requested);

  const grpc::Status full =
      ToGrpcStatus(absl::ResourceExhaustedError("full"), "r2");
  EXPECT_THAT(full.error_details(),
              HasSubstr("type.googleapis.com/google.rpc.RetryInfo"));
}

}  // namespace
}  // namespace taud::server
