#include "server/api/item_listing.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "model/bitmap.h"
#include "server/api/page_token.h"
#include "server/api/properties.h"
#include "server/api/unknown_names.h"
#include "server/api/validation.h"
#include "server/rpc/errors.h"

namespace taud::server {
namespace {

constexpr int32_t kDefaultPage = 100;
constexpr int32_t kMaxPage = 1000;
constexpr size_t kMaxLookedAt = 20000;
constexpr size_t kPageBytes = size_t{2} << 20;

// The conditions of a request that are not sets.
struct Conditions {
  std::string id_prefix;
  std::string title;  // lower case

  bool Meets(absl::string_view id, const model::ItemRecord& record) const {
    return absl::StartsWith(id, id_prefix) &&
           (title.empty() ||
            absl::StrContains(absl::AsciiStrToLower(record.title), title));
  }
};

uint64_t FingerprintOf(const v1::ListItemsRequest& request) {
  v1::ListItemsRequest same = request;
  same.clear_page_size();
  same.clear_page_token();
  return Fingerprint(same);
}

absl::Status CheckConditions(const v1::ListItemsRequest& request) {
  if (request.page_size() < 0 || request.page_size() > kMaxPage) {
    return FieldError(
        "page_size",
        absl::StrCat(request.page_size(), " is not allowed; 0 to ", kMaxPage));
  }
  absl::Status status =
      CheckText("id_prefix", request.id_prefix(), 0, model::kMaxIdBytes);
  if (status.ok()) {
    status = CheckText("title", request.title(), 0, model::kMaxTitleBytes);
  }
  if (status.ok()) {
    status = CheckText("tag", request.tag(), 0, model::kMaxTagBytes);
  }
  return status;
}

// Calls visit(index) for the items from `begin` on that are in `matching`, null
// being all, while it returns true; false if it did not.
template <typename Visit>
bool VisitFrom(const std::optional<model::Bitmap>& matching, size_t begin,
               size_t end, Visit visit) {
  for (size_t i = begin; i < end; ++i) {
    if (matching.has_value()) {
      const uint64_t rest = matching->words()[i / 64] >> (i % 64);
      if (rest == 0) {
        i |= 63;
        continue;
      }
      i += static_cast<size_t>(__builtin_ctzll(rest));
    }
    if (!visit(static_cast<model::ItemIndex>(i))) return false;
  }
  return true;
}

}  // namespace

void FillItem(absl::string_view id, const model::ItemRecord& record,
              v1::Item* item) {
  item->set_id(std::string(id));
  item->set_title(record.title);
  for (const std::string& tag : record.tags) item->add_tags(tag);
  item->set_hidden(record.hidden);
  using Limits = std::numeric_limits<int64_t>;
  if (record.available_from_ms != Limits::min()) {
    item->set_available_from_ms(record.available_from_ms);
  }
  if (record.available_until_ms != Limits::max()) {
    item->set_available_until_ms(record.available_until_ms);
  }
  FillProperties(record.properties, item->mutable_properties());
}

absl::StatusOr<v1::ListItemsResponse> ListItems(
    const model::State& state, const v1::ListItemsRequest& request) {
  absl::Status status = CheckConditions(request);
  if (!status.ok()) return status;
  const size_t num_items = state.items.size();
  const uint64_t fingerprint = FingerprintOf(request);
  size_t begin = 0;
  if (!request.page_token().empty()) {
    auto token = DecodePageToken(request.page_token(), fingerprint, num_items);
    if (!token.ok()) return token.status();
    if (token->given.size() != 1) return NotAPageToken();
    begin = size_t{token->given[0]} + 1;
  }
  UnknownNames unknown(&state.catalogue);
  model::TagFilter filter;
  if (!request.tag().empty()) {
    filter.any.push_back(request.tag());
    unknown.CheckTag(request.tag());
  }
  auto expression = CheckExpression("expression", request.expression());
  if (!expression.ok()) return expression.status();
  filter.expression = *std::move(expression);
  if (filter.expression != nullptr) unknown.CheckExpression(*filter.expression);
  std::optional<model::Bitmap> matching;
  if (!filter.empty()) {
    state.catalogue.FillMatching(filter, num_items, &matching.emplace());
  }

  const Conditions conditions{request.id_prefix(),
                              absl::AsciiStrToLower(request.title())};
  const int32_t page =
      request.page_size() == 0 ? kDefaultPage : request.page_size();
  v1::ListItemsResponse response;
  size_t bytes = 0;
  size_t looked_at = 0;
  size_t last = 0;
  const bool all =
      VisitFrom(matching, begin, num_items, [&](model::ItemIndex index) {
        if (response.items_size() == page || bytes >= kPageBytes ||
            looked_at == kMaxLookedAt) {
          return false;
        }
        ++looked_at;
        last = index;
        std::string id;
        {
          const model::Dictionary::NamesLock names(state.items);
          id = std::string(state.items.Name(index));
        }
        if (id.empty()) return true;  // erased
        const model::ItemRecord record = state.catalogue.Get(index);
        if (!conditions.Meets(id, record)) return true;
        FillItem(id, record, response.add_items());
        bytes += response.items(response.items_size() - 1).ByteSizeLong();
        return true;
      });
  if (!all) {
    response.set_next_page_token(
        EncodePageToken({fingerprint, {static_cast<model::ItemIndex>(last)}}));
  }
  if (!unknown.empty()) *response.mutable_unknown() = unknown.names();
  return response;
}

}  // namespace taud::server
