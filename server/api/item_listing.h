#ifndef TAUD_SERVER_API_ITEM_LISTING_H_
#define TAUD_SERVER_API_ITEM_LISTING_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "model/catalogue.h"
#include "model/state.h"
#include "taud/v1/catalog_service.pb.h"

namespace taud::server {

// What the API says of an item.
void FillItem(absl::string_view id, const model::ItemRecord& record,
              v1::Item* item);

// One page of CatalogService.ListItems. A call looks at 20,000 items at most
// and answers with about 2 MiB at most. Any thread.
absl::StatusOr<v1::ListItemsResponse> ListItems(
    const model::State& state, const v1::ListItemsRequest& request);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_ITEM_LISTING_H_
