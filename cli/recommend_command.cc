// tauctl recommend, tauctl similar

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::cli {
namespace {

struct FilterFlags {
  std::vector<std::string> exclude;
  std::vector<std::string> any_tags;
  std::vector<std::string> all_tags;
  std::vector<std::string> no_tags;
};

struct RecommendFlags {
  std::string user;
  std::vector<std::string> context;
  int k = 10;
  bool include_seen = false;
  uint64_t after_sequence = 0;
  bool ids_only = false;
  FilterFlags filter;
};

struct SimilarFlags {
  std::string item;
  int k = 10;
  bool ids_only = false;
  FilterFlags filter;
};

void AddFilterFlags(CLI::App* command, FilterFlags* flags) {
  command->add_option("--exclude", flags->exclude, "Item ids to leave out");
  command->add_option("--any-tag", flags->any_tags,
                      "Only items with at least one of these tags");
  command->add_option("--all-tag", flags->all_tags,
                      "Only items with every one of these tags");
  command->add_option("--no-tag", flags->no_tags,
                      "Only items with none of these tags");
}

void FillFilter(const FilterFlags& flags, v1::Filter* filter) {
  filter->mutable_exclude_ids()->Assign(flags.exclude.begin(),
                                        flags.exclude.end());
  filter->mutable_any_tags()->Assign(flags.any_tags.begin(),
                                     flags.any_tags.end());
  filter->mutable_all_tags()->Assign(flags.all_tags.begin(),
                                     flags.all_tags.end());
  filter->mutable_no_tags()->Assign(flags.no_tags.begin(), flags.no_tags.end());
}

template <typename Items>
void PrintItems(const Items& items) {
  Table table({">rank", "item", "title", ">score", ">probability"});
  int rank = 0;
  for (const v1::ScoredItem& item : items) {
    table.AddRow({absl::StrCat(++rank), item.id(), item.title(),
                  item.unscored() ? "new" : Fixed(item.score(), 4),
                  item.probability() > 0 ? Fixed(item.probability(), 4) : ""});
  }
  std::cout << table.ToString();
}

template <typename Items>
void PrintIds(const Items& items) {
  for (const v1::ScoredItem& item : items) std::cout << item.id() << "\n";
}

std::string SnapshotLine(const v1::SnapshotRef& snapshot) {
  return absl::StrCat(
      "snapshot ", snapshot.version(), ", trained through interaction ",
      Count(snapshot.trained_through()), ", made ",
      AgeOf(snapshot.created_ms(), absl::ToUnixMillis(absl::Now())));
}

const char* Explain(v1::Representation representation) {
  switch (representation) {
    case v1::REPRESENTATION_TRAINED:
      return "TRAINED (the model's own vector)";
    case v1::REPRESENTATION_FOLDED_IN:
      return "FOLDED_IN (with what is newer than the model)";
    case v1::REPRESENTATION_CONTEXT:
      return "CONTEXT (the given items)";
    case v1::REPRESENTATION_POPULAR:
      return "POPULAR (nothing known of this user)";
    default:
      return "unspecified";
  }
}

absl::Status Recommend(const Common& common, const RecommendFlags& flags) {
  v1::RecommendRequest request;
  request.set_user_id(flags.user);
  request.mutable_context_item_ids()->Assign(flags.context.begin(),
                                             flags.context.end());
  request.set_k(flags.k);
  request.set_after_sequence(flags.after_sequence);
  request.set_include_titles(true);
  request.mutable_filter()->set_exclude_seen(!flags.include_seen);
  FillFilter(flags.filter, request.mutable_filter());

  grpc::ClientContext context;
  Prepare(common, &context);
  v1::RecommendResponse response;
  const auto stub = v1::RecommendationService::NewStub(Connect(common));
  const grpc::Status status = stub->Recommend(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
  } else if (flags.ids_only) {
    PrintIds(response.items());
  } else {
    PrintItems(response.items());
    std::cout << Explain(response.representation())
              << ", tau = " << Fixed(response.temperature(), 4) << "; "
              << SnapshotLine(response.snapshot()) << "\n";
  }
  return absl::OkStatus();
}

absl::Status Similar(const Common& common, const SimilarFlags& flags) {
  v1::SimilarItemsRequest request;
  request.set_item_id(flags.item);
  request.set_k(flags.k);
  request.set_include_titles(true);
  FillFilter(flags.filter, request.mutable_filter());

  grpc::ClientContext context;
  Prepare(common, &context);
  v1::SimilarItemsResponse response;
  const auto stub = v1::RecommendationService::NewStub(Connect(common));
  const grpc::Status status = stub->SimilarItems(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
  } else if (flags.ids_only) {
    PrintIds(response.items());
  } else {
    PrintItems(response.items());
    std::cout << SnapshotLine(response.snapshot()) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddRecommend(CLI::App* app, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<RecommendFlags>();
  CLI::App* command =
      app->add_subcommand("recommend", "The best items for a user");
  command->add_option("user", flags->user, "User id");
  command->add_option("--context", flags->context,
                      "Items the session is about, with or without a user");
  command->add_option("-k", flags->k, "How many items")->capture_default_str();
  command->add_flag("--include-seen", flags->include_seen,
                    "Also items the user has interacted with");
  command->add_option("--after-sequence", flags->after_sequence,
                      "Only from a state that contains this sequence");
  command->add_flag("--ids", flags->ids_only, "Print ids only, one a line");
  AddFilterFlags(command, &flags->filter);
  command->callback(
      [common, flags, result] { *result = Recommend(*common, *flags); });
}

void AddSimilar(CLI::App* app, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<SimilarFlags>();
  CLI::App* command =
      app->add_subcommand("similar", "The items nearest to an item");
  command->add_option("item", flags->item, "Item id")->required();
  command->add_option("-k", flags->k, "How many items")->capture_default_str();
  command->add_flag("--ids", flags->ids_only, "Print ids only, one a line");
  AddFilterFlags(command, &flags->filter);
  command->callback(
      [common, flags, result] { *result = Similar(*common, *flags); });
}

}  // namespace taud::cli
