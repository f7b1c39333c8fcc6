#include "cli/items_file.h"

#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "cli/bad_lines.h"
#include "cli/item_reader.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "nlohmann/json.hpp"
#include "taud/v1/catalog_service.grpc.pb.h"

namespace taud::cli {
namespace {

constexpr int kItemsPerCall = 1000;

void FillItem(FileItem from, v1::Item* to) {
  to->set_id(std::move(from.id));
  to->set_title(std::move(from.title));
  for (std::string& tag : from.tags) to->add_tags(std::move(tag));
  to->set_hidden(from.hidden);
  if (from.available_from_ms)
    to->set_available_from_ms(*from.available_from_ms);
  if (from.available_until_ms) {
    to->set_available_until_ms(*from.available_until_ms);
  }
}

// Sends one batch. A batch that the server finds invalid is sent again item by
// item, so that one bad item does not keep the others out.
absl::Status Send(const Common& common, v1::CatalogService::Stub* stub,
                  const v1::UpsertItemsRequest& request, uint64_t* upserted,
                  BadLines* bad_lines) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::UpsertItemsResponse response;
  const grpc::Status status = stub->UpsertItems(&context, request, &response);
  if (status.ok()) {
    *upserted += response.upserted();
    return absl::OkStatus();
  }
  if (status.error_code() != grpc::StatusCode::INVALID_ARGUMENT) {
    return FromRpc(status, common.server);
  }
  if (request.items_size() == 1) {
    bad_lines->Add({0, status.error_message(), request.items(0).id()});
    return absl::OkStatus();
  }
  for (const v1::Item& item : request.items()) {
    v1::UpsertItemsRequest single;
    *single.add_items() = item;
    absl::Status sent = Send(common, stub, single, upserted, bad_lines);
    if (!sent.ok()) return sent;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status UpsertItemsFile(const Common& common, const std::string& path) {
  auto reader = ItemReader::Open(path);
  if (!reader.ok()) return reader.status();
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  BadLines bad_lines(path);
  Progress progress("items");
  uint64_t upserted = 0;
  v1::UpsertItemsRequest request;
  while (true) {
    FileItem item;
    BadLine bad;
    const ItemReader::Outcome outcome = (*reader)->Next(&item, &bad);
    if (outcome == ItemReader::Outcome::kBadLine) {
      bad_lines.Add(bad);
      continue;
    }
    const bool end = outcome == ItemReader::Outcome::kEnd;
    if (!end) FillItem(std::move(item), request.add_items());
    if (request.items_size() == kItemsPerCall ||
        (end && request.items_size() > 0)) {
      absl::Status status =
          Send(common, stub.get(), request, &upserted, &bad_lines);
      if (!status.ok()) return status;
      request.clear_items();
      const auto total = static_cast<double>((*reader)->total_bytes());
      progress.Update(
          upserted, total == 0
                        ? -1
                        : static_cast<double>((*reader)->bytes_read()) / total);
    }
    if (end) break;
  }
  progress.Finish(upserted);
  bad_lines.Finish();
  if (common.json) {
    nlohmann::ordered_json json;
    json["upserted"] = upserted;
    json["bad_lines"] = bad_lines.count();
    std::cout << json.dump() << "\n";
  } else {
    std::cout << Count(upserted) << " items upserted, "
              << Count(bad_lines.count()) << " bad lines\n";
  }
  return absl::OkStatus();
}

}  // namespace taud::cli
