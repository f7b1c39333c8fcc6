// tauctl items, tauctl users

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/commands/items_file.h"
#include "cli/terminal/output.h"
#include "taud/v1/catalog_service.grpc.pb.h"

namespace taud::cli {
namespace {

struct UpsertFlags {
  std::string file;
  bool ignore_unknown = false;
  uint64_t max_bad = 0;
  std::string id;
  std::string title;
  std::vector<std::string> tags;
  bool hidden = false;
  std::optional<int64_t> from_ms;
  std::optional<int64_t> until_ms;
};

struct GetFlags {
  std::string id;
  int limit = 20;
};

absl::Status SendItem(const Common& common, const v1::Item& item) {
  v1::UpsertItemsRequest request;
  *request.add_items() = item;
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::UpsertItemsResponse response;
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  const grpc::Status status = stub->UpsertItems(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
  } else {
    std::cout << "item " << Inert(item.id()) << " upserted\n";
  }
  return absl::OkStatus();
}

absl::Status Upsert(const Common& common, const UpsertFlags& flags) {
  if (flags.file.empty() == flags.id.empty()) {
    return absl::InvalidArgumentError(
        "give either a FILE of items or one item with --id");
  }
  if (!flags.file.empty()) {
    return UpsertItemsFile(common, flags.file, flags.ignore_unknown,
                           flags.max_bad);
  }
  v1::Item item;
  item.set_id(flags.id);
  item.set_title(flags.title);
  item.mutable_tags()->Assign(flags.tags.begin(), flags.tags.end());
  item.set_hidden(flags.hidden);
  if (flags.from_ms.has_value()) item.set_available_from_ms(*flags.from_ms);
  if (flags.until_ms.has_value()) item.set_available_until_ms(*flags.until_ms);
  return SendItem(common, item);
}

std::string Window(const v1::Item& item) {
  if (!item.has_available_from_ms() && !item.has_available_until_ms()) {
    return "always";
  }
  return absl::StrCat(
      item.has_available_from_ms()
          ? absl::StrCat("from ", TimeOf(item.available_from_ms()), " ")
          : "",
      item.has_available_until_ms()
          ? absl::StrCat("until ", TimeOf(item.available_until_ms()))
          : "");
}

absl::Status GetItem(const Common& common, const GetFlags& flags) {
  v1::GetItemRequest request;
  request.set_id(flags.id);
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::GetItemResponse response;
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  const grpc::Status status = stub->GetItem(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
    return absl::OkStatus();
  }
  const v1::Item& item = response.item();
  Table table = Table::OfProperties("item", item.id());
  table.AddRow({"title", item.title()});
  table.AddRow({"tags", absl::StrJoin(item.tags(), ", ")});
  table.AddRow({"hidden", item.hidden() ? "yes" : "no"});
  table.AddRow({"available", Window(item)});
  table.AddRow({"interactions", Count(response.interactions())});
  table.AddRow({"trained", response.trained() ? "yes" : "not yet"});
  std::cout << table.ToString();
  return absl::OkStatus();
}

std::string KindName(v1::InteractionKind kind) {
  const std::string name = v1::InteractionKind_Name(kind);
  const std::string prefix = "INTERACTION_KIND_";
  return name.rfind(prefix, 0) == 0 ? name.substr(prefix.size()) : name;
}

absl::Status GetUser(const Common& common, const GetFlags& flags) {
  v1::GetUserRequest request;
  request.set_id(flags.id);
  request.set_limit(flags.limit);
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::GetUserResponse response;
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  const grpc::Status status = stub->GetUser(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
    return absl::OkStatus();
  }
  Table table({"item", "title", "kind", ">weight", "when", ">sequence"});
  for (const v1::HistoryItem& item : response.history()) {
    table.AddRow({item.item_id(), item.title(), KindName(item.kind()),
                  Fixed(item.weight(), 2), TimeOf(item.time_ms()),
                  absl::StrCat(item.sequence())});
  }
  std::cout << table.ToString() << Count(response.seen())
            << " distinct items in all; tau_u = "
            << Fixed(response.temperature(), 4) << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddItems(CLI::App* app, const Common* common, absl::Status* result) {
  CLI::App* items = app->add_subcommand("items", "The catalogue");
  items->require_subcommand(1);

  auto upsert_flags = std::make_shared<UpsertFlags>();
  CLI::App* upsert =
      items->add_subcommand("upsert", "Writes items from a file, or one item");
  upsert->add_option("file", upsert_flags->file,
                     "MovieLens movies.csv, or JSON Lines or CSV with id, "
                     "title, tags, hidden, available_from, available_until; "
                     "also packed with gzip or zstd; - is standard input");
  upsert->add_flag("--ignore-unknown", upsert_flags->ignore_unknown,
                   "Leave out columns of the file nothing is known of");
  upsert
      ->add_option("--max-bad", upsert_flags->max_bad,
                   "How many bad or rejected lines of the file are no error")
      ->capture_default_str();
  upsert->add_option("--id", upsert_flags->id, "One item's id");
  upsert->add_option("--title", upsert_flags->title, "Its title");
  upsert->add_option("--tag", upsert_flags->tags,
                     "One of its tags; several times for several");
  upsert->add_flag("--hidden", upsert_flags->hidden, "Never recommend it");
  upsert->add_option("--available-from-ms", upsert_flags->from_ms,
                     "Unix milliseconds");
  upsert->add_option("--available-until-ms", upsert_flags->until_ms,
                     "Unix milliseconds");
  upsert->callback([common, upsert_flags, result] {
    *result = Upsert(*common, *upsert_flags);
  });

  auto get_flags = std::make_shared<GetFlags>();
  CLI::App* get = items->add_subcommand("get", "What is known of an item");
  get->add_option("id", get_flags->id, "Item id")->required();
  get->callback(
      [common, get_flags, result] { *result = GetItem(*common, *get_flags); });
}

void AddUsers(CLI::App* app, const Common* common, absl::Status* result) {
  CLI::App* users = app->add_subcommand("users", "The users");
  users->require_subcommand(1);
  auto flags = std::make_shared<GetFlags>();
  CLI::App* get =
      users->add_subcommand("get", "A user's history and temperature");
  get->add_option("id", flags->id, "User id")->required();
  get->add_option("--limit", flags->limit, "How many of the latest items")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  get->callback(
      [common, flags, result] { *result = GetUser(*common, *flags); });
}

}  // namespace taud::cli
