// Every message whose contents reach the store, from its bytes to what the
// store takes: what the edge lets pass, the store's own last check must, too.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "model/check.h"
#include "server/api/validation.h"
#include "store/log/validation.h"
#include "taud/v1/catalog_service.pb.h"
#include "taud/v1/ingestion_service.pb.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace taud;
  constexpr int64_t kNow = 1700000000000;
  const auto length = static_cast<int>(size);
  v1::IngestRequest ingest;
  if (ingest.ParseFromArray(data, length)) {
    std::vector<store::NewInteraction> batch;
    for (const v1::Interaction& one : ingest.interactions()) {
      auto checked = server::CheckInteraction(one, kNow);
      if (checked.ok()) batch.push_back(*std::move(checked));
    }
    TAUD_CHECK(store::CheckInteractions(batch).ok());
    (void)server::CheckId("stream_id", ingest.stream_id());
  }
  v1::UpsertItemsRequest upsert;
  if (upsert.ParseFromArray(data, length)) {
    std::vector<store::NewItem> items;
    for (const v1::Item& item : upsert.items()) {
      auto checked = server::CheckItem(item);
      if (checked.ok()) items.push_back(*std::move(checked));
    }
    TAUD_CHECK(store::CheckItems(items).ok());
  }
  v1::EraseUserRequest erase;
  if (erase.ParseFromArray(data, length) &&
      server::CheckId("id", erase.id()).ok()) {
    TAUD_CHECK(store::CheckId("id", erase.id()).ok());
  }
  v1::DeleteItemsRequest deletion;
  if (deletion.ParseFromArray(data, length)) {
    for (const std::string& id : deletion.ids()) {
      TAUD_CHECK(!server::CheckId("ids", id).ok() ||
                 store::CheckId("ids", id).ok());
    }
  }
  return 0;
}
