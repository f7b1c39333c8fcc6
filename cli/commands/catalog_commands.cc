// tauctl items, tauctl users

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/commands/commands.h"
#include "cli/commands/items_file.h"
#include "cli/commands/property_flags.h"
#include "cli/terminal/output.h"
#include "taud/v1/catalog_service.grpc.pb.h"

namespace taud::cli {
namespace {

// What is said of one item; what is not given stays as it is.
struct ItemFlags {
  std::string id;
  std::optional<std::string> title;
  std::vector<std::string> tags;
  std::optional<bool> hidden;
  std::optional<int64_t> from_ms;
  std::optional<int64_t> until_ms;
  std::vector<std::string> properties;
  std::vector<std::string> clear;
};

struct UpsertFlags {
  std::string file;
  bool ignore_unknown = false;
  bool properties = false;
  uint64_t max_bad = 0;
  ItemFlags item;
};

struct ListFlags {
  std::string title;
  std::string id_prefix;
  std::string tag;
  std::string filter;
  uint64_t limit = 100;
  bool ids_only = false;
};

struct UserFlags {
  std::string id;
  std::vector<std::string> properties;
  std::vector<std::string> clear;
};

struct GetFlags {
  std::string id;
  int limit = 20;
};

absl::Status SendItem(const Common& common,
                      const v1::UpsertItemsRequest& request) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::UpsertItemsResponse response;
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  const grpc::Status status = stub->UpsertItems(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
  } else {
    std::cout << "item " << Inert(request.items(0).id()) << " upserted\n";
  }
  return absl::OkStatus();
}

absl::Status SetItem(const Common& common, const ItemFlags& flags) {
  v1::UpsertItemsRequest request;
  v1::Item& item = *request.add_items();
  item.set_id(flags.id);
  auto* mask = request.mutable_update_mask();
  if (flags.title.has_value()) {
    item.set_title(*flags.title);
    mask->add_paths("title");
  }
  if (!flags.tags.empty()) {
    item.mutable_tags()->Assign(flags.tags.begin(), flags.tags.end());
    mask->add_paths("tags");
  }
  if (flags.hidden.has_value()) {
    item.set_hidden(*flags.hidden);
    mask->add_paths("hidden");
  }
  if (flags.from_ms.has_value()) {
    item.set_available_from_ms(*flags.from_ms);
    mask->add_paths("available_from_ms");
  }
  if (flags.until_ms.has_value()) {
    item.set_available_until_ms(*flags.until_ms);
    mask->add_paths("available_until_ms");
  }
  for (const std::string& flag : flags.properties) {
    absl::Status status = AddProperty(flag, item.mutable_properties());
    if (!status.ok()) return status;
  }
  for (const auto& [name, value] : item.properties()) {
    mask->add_paths(absl::StrCat("properties.", name));
  }
  for (const std::string& field : flags.clear) mask->add_paths(field);
  return SendItem(common, request);
}

absl::Status Upsert(const Common& common, const UpsertFlags& flags) {
  if (flags.file.empty() == flags.item.id.empty()) {
    return absl::InvalidArgumentError(
        "give either a FILE of items or one item with --id");
  }
  if (flags.file.empty()) return SetItem(common, flags.item);
  return UpsertItemsFile(common, flags.file,
                         flags.properties ? UnknownItemColumns::kAreProperties
                         : flags.ignore_unknown ? UnknownItemColumns::kLeaveOut
                                                : UnknownItemColumns::kRefuse,
                         flags.max_bad);
}

absl::Status SetUser(const Common& common, const UserFlags& flags) {
  v1::UpsertUsersRequest request;
  v1::User& user = *request.add_users();
  user.set_id(flags.id);
  auto* mask = request.mutable_update_mask();
  for (const std::string& flag : flags.properties) {
    absl::Status status = AddProperty(flag, user.mutable_properties());
    if (!status.ok()) return status;
  }
  for (const auto& [name, value] : user.properties()) {
    mask->add_paths(absl::StrCat("properties.", name));
  }
  for (const std::string& name : flags.clear) {
    mask->add_paths(absl::StrCat("properties.", name));
  }
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::UpsertUsersResponse response;
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  const grpc::Status status = stub->UpsertUsers(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
  } else {
    std::cout << "user " << Inert(flags.id) << " upserted\n";
  }
  return absl::OkStatus();
}

// Prints items page by page, as they come: one JSON object a line, ids, or
// tables.
absl::Status PrintItemPage(const Common& common, const ListFlags& flags,
                           const v1::ListItemsResponse& page) {
  Table table({"item", "title", "tags", "properties", "hidden"});
  for (const v1::Item& item : page.items()) {
    if (common.json) {
      std::cout << ToJson(item, false) << "\n";
    } else if (flags.ids_only) {
      std::cout << Inert(item.id()) << "\n";
    } else {
      table.AddRow({item.id(), item.title(), absl::StrJoin(item.tags(), ", "),
                    ShowProperties(item.properties()),
                    item.hidden() ? "yes" : ""});
    }
  }
  if (!common.json && !flags.ids_only && page.items_size() > 0) {
    std::cout << table.ToString();
  }
  return absl::OkStatus();
}

absl::Status ListItems(const Common& common, const ListFlags& flags) {
  constexpr uint64_t kPage = 1000;
  v1::ListItemsRequest request;
  request.set_title(flags.title);
  request.set_id_prefix(flags.id_prefix);
  request.set_tag(flags.tag);
  request.set_expression(flags.filter);
  const auto stub = v1::CatalogService::NewStub(Connect(common));
  uint64_t left = flags.limit;
  v1::ListItemsResponse page;
  while (left > 0) {
    request.set_page_size(static_cast<int32_t>(std::min(left, kPage)));
    grpc::ClientContext context;
    Prepare(common, &context);
    const grpc::Status status = stub->ListItems(&context, request, &page);
    if (!status.ok()) return FromRpc(status, common.server);
    if (request.page_token().empty() && page.has_unknown()) {
      std::cerr << ShowUnknown(page.unknown()) << "\n";
    }
    absl::Status printed = PrintItemPage(common, flags, page);
    if (!printed.ok()) return printed;
    left -= static_cast<uint64_t>(page.items_size());
    if (page.next_page_token().empty()) return absl::OkStatus();
    request.set_page_token(page.next_page_token());
  }
  if (!common.json && !flags.ids_only) {
    std::cout << "there may be more: --limit\n";
  }
  return absl::OkStatus();
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
  table.AddRow({"properties", ShowProperties(item.properties())});
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
  if (!response.properties().empty()) {
    std::cout << "properties: " << Inert(ShowProperties(response.properties()))
              << "\n";
  }
  return absl::OkStatus();
}

void AddPropertyFlag(CLI::App* command, std::vector<std::string>* properties) {
  command->add_option("--property", *properties,
                      "NAME=VALUE, or NAME:TYPE=VALUE with TYPE text, number, "
                      "flag, time or list (one value a flag); several times "
                      "for several");
}

void AddItemFlags(CLI::App* command, ItemFlags* flags) {
  command->add_option("--title", flags->title, "Its title");
  command->add_option("--tag", flags->tags,
                      "One of its tags, which replace those it has; several "
                      "times for several");
  command->add_flag("--hidden,!--visible", flags->hidden,
                    "Never recommend it; --visible: recommend it again");
  command->add_option("--available-from-ms", flags->from_ms,
                      "Unix milliseconds");
  command->add_option("--available-until-ms", flags->until_ms,
                      "Unix milliseconds");
  AddPropertyFlag(command, &flags->properties);
  command->add_option("--clear", flags->clear,
                      "A field to clear: title, tags, available_from_ms, "
                      "available_until_ms, properties or properties.NAME; "
                      "several times for several");
}

void AddListFlags(CLI::App* command, ListFlags* flags) {
  command->add_option("--id-prefix", flags->id_prefix,
                      "What the id begins with");
  command->add_option("--tag", flags->tag, "A tag that it has");
  command->add_option("--filter", flags->filter,
                      "Only items for which this is true, as "
                      "'price < 20 and genre in [\"comedy\"]'");
  command->add_option("--limit", flags->limit, "How many items at most")
      ->capture_default_str();
  command->add_flag("--ids", flags->ids_only, "Print ids only, one a line");
}

}  // namespace

void AddItems(CLI::App* app, const Common* common, absl::Status* result) {
  CLI::App* items = app->add_subcommand("items", "The catalogue");
  items->require_subcommand(1);

  auto upsert_flags = std::make_shared<UpsertFlags>();
  CLI::App* upsert = items->add_subcommand(
      "upsert",
      "Writes items from a file, or one item; what is not given of an item "
      "stays as it is");
  upsert->add_option("file", upsert_flags->file,
                     "MovieLens movies.csv, or JSON Lines or CSV with id, "
                     "title, tags, hidden, available_from, available_until; "
                     "also packed with gzip or zstd; - is standard input");
  upsert->add_flag("--properties", upsert_flags->properties,
                   "Columns of the file nothing is known of are properties");
  upsert->add_flag("--ignore-unknown", upsert_flags->ignore_unknown,
                   "Leave out columns of the file nothing is known of");
  upsert
      ->add_option("--max-bad", upsert_flags->max_bad,
                   "How many bad or rejected lines of the file are no error")
      ->capture_default_str();
  upsert->add_option("--id", upsert_flags->item.id, "One item's id");
  AddItemFlags(upsert, &upsert_flags->item);
  upsert->callback([common, upsert_flags, result] {
    *result = Upsert(*common, *upsert_flags);
  });

  auto set_flags = std::make_shared<ItemFlags>();
  CLI::App* set = items->add_subcommand(
      "set", "Changes one item; what is not given stays as it is");
  set->add_option("id", set_flags->id, "Item id")->required();
  AddItemFlags(set, set_flags.get());
  set->callback(
      [common, set_flags, result] { *result = SetItem(*common, *set_flags); });

  auto list_flags = std::make_shared<ListFlags>();
  CLI::App* list = items->add_subcommand("list", "Items one after the other");
  list->add_option("--title", list_flags->title, "What the title contains");
  AddListFlags(list, list_flags.get());
  list->callback([common, list_flags, result] {
    *result = ListItems(*common, *list_flags);
  });

  auto search_flags = std::make_shared<ListFlags>();
  CLI::App* search =
      items->add_subcommand("search", "Items whose title contains a text");
  search->add_option("text", search_flags->title, "What the title contains")
      ->required();
  AddListFlags(search, search_flags.get());
  search->callback([common, search_flags, result] {
    *result = ListItems(*common, *search_flags);
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

  auto set_flags = std::make_shared<UserFlags>();
  CLI::App* set = users->add_subcommand("set", "Changes a user's properties");
  set->add_option("id", set_flags->id, "User id")->required();
  AddPropertyFlag(set, &set_flags->properties);
  set->add_option("--clear", set_flags->clear,
                  "A property to remove; several times for several");
  set->callback(
      [common, set_flags, result] { *result = SetUser(*common, *set_flags); });
}

}  // namespace taud::cli
