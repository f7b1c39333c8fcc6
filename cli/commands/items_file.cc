#include "cli/commands/items_file.h"

#include <iostream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/client/event_batch.h"
#include "cli/commands/ingest_outcome.h"
#include "cli/commands/property_flags.h"
#include "cli/files/bad_lines.h"
#include "cli/files/item_reader.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "nlohmann/json.hpp"
#include "taud/v1/catalog_service.grpc.pb.h"

namespace taud::cli {
namespace {

constexpr int kItemsPerCall = 1000;

v1::PropertyValue ValueOf(JsonField field) {
  v1::PropertyValue value;
  switch (field.type) {
    case JsonField::Type::kBool:
      value.set_flag(field.text == "true");
      break;
    case JsonField::Type::kString:
      value.set_text(std::move(field.text));
      break;
    case JsonField::Type::kStrings:
      value.mutable_texts()->mutable_values()->Assign(field.strings.begin(),
                                                      field.strings.end());
      break;
    default:
      value = GuessProperty(field.text);
  }
  return value;
}

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
  for (auto& [name, field] : from.properties) {
    if (field.type == JsonField::Type::kNull) continue;
    (*to->mutable_properties())[name] = ValueOf(std::move(field));
  }
}

struct Upsertion {
  std::unique_ptr<v1::CatalogService::Stub> stub;
  std::unique_ptr<BadLines> bad_lines;
  RowCounts rows;
};

// Sends one batch. One that the server finds invalid, or too large, is sent
// again in halves, so that one bad item does not keep the others out.
absl::Status Send(const Common& common, const v1::UpsertItemsRequest& request,
                  const std::vector<uint64_t>& lines, Upsertion* upsertion) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::UpsertItemsResponse response;
  const grpc::Status status =
      upsertion->stub->UpsertItems(&context, request, &response);
  if (status.ok()) {
    upsertion->rows.taken += response.upserted();
    return absl::OkStatus();
  }
  if (status.error_code() != grpc::StatusCode::INVALID_ARGUMENT &&
      !IsTooLarge(status)) {
    return FromRpc(status, common.server);
  }
  const int size = request.items_size();
  if (size == 1) {
    ++upsertion->rows.refused;
    upsertion->bad_lines->Add(
        {lines[0], absl::StrCat("rejected: ", status.error_message()),
         request.items(0).id()});
    return absl::OkStatus();
  }
  for (const auto& [begin, end] :
       {std::pair(0, size / 2), std::pair(size / 2, size)}) {
    v1::UpsertItemsRequest half;
    for (int i = begin; i < end; ++i) *half.add_items() = request.items(i);
    *half.mutable_update_mask() = request.update_mask();
    absl::Status sent = Send(
        common, half, {lines.begin() + begin, lines.begin() + end}, upsertion);
    if (!sent.ok()) return sent;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status UpsertItemsFile(const Common& common, const std::string& path,
                             UnknownItemColumns unknown, uint64_t max_bad) {
  auto reader = ItemReader::Open(path, unknown);
  if (!reader.ok()) return reader.status();
  const std::string name = path == "-" ? "standard input" : path;
  std::cerr << Inert(absl::StrCat(name, ": ", (*reader)->Understood())) << "\n";
  Upsertion upsertion;
  upsertion.stub = v1::CatalogService::NewStub(Connect(common));
  upsertion.bad_lines = std::make_unique<BadLines>(name);
  RowCounts& rows = upsertion.rows;
  Progress progress("items");
  v1::UpsertItemsRequest request;
  std::vector<uint64_t> lines;
  std::vector<std::string> mask;
  absl::Status failed;
  const auto flush = [&] {
    if (request.items_size() == 0) return absl::OkStatus();
    request.mutable_update_mask()->mutable_paths()->Assign(mask.begin(),
                                                           mask.end());
    absl::Status status = Send(common, request, lines, &upsertion);
    request.clear_items();
    lines.clear();
    return status;
  };
  while (true) {
    FileItem item;
    BadLine bad;
    const ItemReader::Outcome outcome = (*reader)->Next(&item, &bad);
    if (outcome == ItemReader::Outcome::kBadLine) {
      ++rows.bad;
      upsertion.bad_lines->Add(bad);
      continue;
    }
    if (outcome == ItemReader::Outcome::kFailed) {
      failed = absl::DataLossError(
          absl::StrCat(name, ": behind line ", bad.line, ": ", bad.reason));
    }
    const bool end = outcome != ItemReader::Outcome::kItem;
    if (!end) {
      // One mask a call: JSON objects may say different things.
      if (item.mask != mask) {
        absl::Status status = flush();
        if (!status.ok()) return status;
        mask = item.mask;
      }
      lines.push_back(item.line);
      FillItem(std::move(item), request.add_items());
    }
    if (request.items_size() == kItemsPerCall ||
        (end && request.items_size() > 0)) {
      absl::Status status = flush();
      if (!status.ok()) return status;
      const auto total = static_cast<double>((*reader)->total_bytes());
      progress.Update(
          rows.taken,
          total == 0 ? -1
                     : static_cast<double>((*reader)->bytes_read()) / total);
    }
    if (end) break;
  }
  progress.Finish(rows.taken);
  upsertion.bad_lines->Finish();
  if (common.json) {
    nlohmann::ordered_json json;
    json["upserted"] = rows.taken;
    json["bad_lines"] = rows.bad;
    json["rejected"] = rows.refused;
    std::cout << json.dump() << "\n";
  } else {
    std::cout << Count(rows.taken) << " items upserted, " << Count(rows.bad)
              << " bad lines, " << Count(rows.refused) << " rejected\n";
  }
  return failed.ok() ? RowsOutcome(name, rows, max_bad) : failed;
}

}  // namespace taud::cli
