// tauctl recommend, tauctl similar

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/commands.h"
#include "cli/commands/property_flags.h"
#include "cli/terminal/output.h"
#include "taud/v1/recommendation_service.grpc.pb.h"

namespace taud::cli {
namespace {

struct FilterFlags {
  std::vector<std::string> only;
  std::vector<std::string> exclude;
  std::vector<std::string> any_tags;
  std::vector<std::string> all_tags;
  std::vector<std::string> no_tags;
  std::string expression;
};

struct RecommendFlags {
  std::string user;
  std::vector<std::string> context;
  int k = 10;
  bool include_seen = false;
  uint64_t after_sequence = 0;
  bool ids_only = false;
  bool properties = false;
  bool why = false;
  FilterFlags filter;
  std::vector<std::string> boosts;     // "TAG=AMOUNT"
  std::vector<std::string> boosts_if;  // "AMOUNT:EXPRESSION"
  uint32_t max_per_tag = 0;
  float popularity_weight = 0;
  float explore = 0;
  uint64_t seed = 0;
  std::string page_token;
  int pages = 1;
};

struct SimilarFlags {
  std::string item;
  int k = 10;
  bool ids_only = false;
  FilterFlags filter;
};

void AddFilterFlags(CLI::App* command, FilterFlags* flags) {
  command->add_option("--only", flags->only,
                      "Only this item, as far as the rest lets it pass; like "
                      "the others below, several times for several");
  command->add_option("--exclude", flags->exclude, "An item to leave out");
  command->add_option("--any-tag", flags->any_tags,
                      "Only items with this tag, or one of several");
  command->add_option("--all-tag", flags->all_tags,
                      "Only items with this tag, and all of several");
  command->add_option("--no-tag", flags->no_tags,
                      "Only items without this tag, or any of several");
  command->add_option("--filter", flags->expression,
                      "Only items for which this is true, as "
                      "'price < 20 and genre in [\"comedy\"]'");
}

void FillFilter(const FilterFlags& flags, v1::Filter* filter) {
  filter->mutable_exclude_ids()->Assign(flags.exclude.begin(),
                                        flags.exclude.end());
  filter->mutable_only_ids()->Assign(flags.only.begin(), flags.only.end());
  filter->mutable_any_tags()->Assign(flags.any_tags.begin(),
                                     flags.any_tags.end());
  filter->mutable_all_tags()->Assign(flags.all_tags.begin(),
                                     flags.all_tags.end());
  filter->mutable_no_tags()->Assign(flags.no_tags.begin(), flags.no_tags.end());
  filter->set_expression(flags.expression);
}

// The rules of the flags. INVALID_ARGUMENT names a boost that is not
// TAG=AMOUNT; what amounts are allowed says the server.
absl::Status FillRules(const RecommendFlags& flags, v1::Rules* rules) {
  rules->set_max_per_tag(flags.max_per_tag);
  rules->set_popularity_weight(flags.popularity_weight);
  for (const std::string& text : flags.boosts) {
    const size_t equals = text.rfind('=');
    float amount = 0;
    if (equals == std::string::npos || equals == 0 ||
        !absl::SimpleAtof(text.substr(equals + 1), &amount)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--boost ", text, " is not TAG=AMOUNT"));
    }
    v1::TagBoost* boost = rules->add_boosts();
    boost->set_tag(text.substr(0, equals));
    boost->set_amount(amount);
  }
  for (const std::string& text : flags.boosts_if) {
    const size_t colon = text.find(':');
    float amount = 0;
    if (colon == std::string::npos ||
        !absl::SimpleAtof(text.substr(0, colon), &amount)) {
      return absl::InvalidArgumentError(
          absl::StrCat("--boost-if ", text, " is not AMOUNT:EXPRESSION"));
    }
    v1::TagBoost* boost = rules->add_boosts();
    boost->set_expression(text.substr(colon + 1));
    boost->set_amount(amount);
  }
  return absl::OkStatus();
}

// `before`: items of earlier pages.
template <typename Items>
void PrintItems(const Items& items, int before = 0) {
  Table table({">rank", "item", "title", ">score", ">probability"});
  int rank = before;
  for (const v1::ScoredItem& item : items) {
    table.AddRow({absl::StrCat(++rank), item.id(), item.title(),
                  item.unscored() ? "new"
                  : item.by_tags()
                      ? absl::StrCat(Fixed(item.score(), 4), " by tags")
                      : Fixed(item.score(), 4),
                  item.probability() > 0 ? Fixed(item.probability(), 4) : ""});
  }
  std::cout << table.ToString();
}

template <typename Items>
void PrintIds(const Items& items) {
  // A program gets the ids as they are, a terminal nothing that moves it.
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  for (const v1::ScoredItem& item : items) {
    std::cout << (terminal ? Inert(item.id()) : item.id()) << "\n";
  }
}

// To standard error: a program that reads the ids is not disturbed.
void PrintUnknown(const v1::UnknownNames& unknown) {
  if (unknown.count() > 0) std::cerr << ShowUnknown(unknown) << "\n";
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

absl::StatusOr<v1::RecommendRequest> MakeRequest(const RecommendFlags& flags) {
  v1::RecommendRequest request;
  request.set_user_id(flags.user);
  request.mutable_context_item_ids()->Assign(flags.context.begin(),
                                             flags.context.end());
  request.set_k(flags.k);
  request.set_after_sequence(flags.after_sequence);
  request.set_include_titles(true);
  request.set_include_properties(flags.properties);
  request.set_include_reasons(flags.why);
  request.mutable_filter()->set_exclude_seen(!flags.include_seen);
  FillFilter(flags.filter, request.mutable_filter());
  absl::Status status = FillRules(flags, request.mutable_rules());
  if (!status.ok()) return status;
  if (flags.explore != 0) {
    request.mutable_exploration()->set_share(flags.explore);
    request.mutable_exploration()->set_seed(flags.seed);
  }
  request.set_page_token(flags.page_token);
  return request;
}

// Of each item, what speaks for it.
void PrintReasons(const v1::ScoredItem& item) {
  if (item.reasons().empty()) return;
  std::string text = absl::StrCat(item.id(), " for");
  for (const v1::Reason& reason : item.reasons()) {
    absl::StrAppend(&text, &reason == &item.reasons(0) ? " " : ", ",
                    reason.title().empty() ? reason.item_id() : reason.title(),
                    " ", Fixed(100 * double{reason.share()}, 0), " %");
  }
  std::cout << Inert(text) << "\n";
}

void PrintPage(const v1::RecommendResponse& response, bool ids_only,
               int before) {
  if (ids_only) return PrintIds(response.items());
  PrintItems(response.items(), before);
  for (const v1::ScoredItem& item : response.items()) PrintReasons(item);
  for (const v1::ScoredItem& item : response.items()) {
    if (item.properties().empty()) continue;
    std::cout << Inert(absl::StrCat(item.id(), ": ",
                                    ShowProperties(item.properties())))
              << "\n";
  }
  std::cout << Explain(response.representation())
            << ", tau = " << Fixed(response.temperature(), 4) << "; "
            << SnapshotLine(response.snapshot()) << "\n";
  if (response.history_incomplete()) {
    std::cout << "taud has not read all of its log yet: there may be items "
                 "that the user has had (see tauctl status)\n";
  }
}

absl::Status Recommend(const Common& common, const RecommendFlags& flags) {
  auto request = MakeRequest(flags);
  if (!request.ok()) return request.status();
  const auto stub = v1::RecommendationService::NewStub(Connect(common));
  v1::RecommendResponse response;
  int printed = 0;
  for (int page = 0; page < flags.pages; ++page) {
    grpc::ClientContext context;
    Prepare(common, &context);
    const grpc::Status status = stub->Recommend(&context, *request, &response);
    if (!status.ok()) return FromRpc(status, common.server);
    if (page == 0) PrintUnknown(response.unknown());
    if (common.json) {
      std::cout << ToJson(response, true);
    } else {
      PrintPage(response, flags.ids_only, printed);
    }
    printed += response.items_size();
    if (response.next_page_token().empty()) return absl::OkStatus();
    request->set_page_token(response.next_page_token());
  }
  if (!common.json && !flags.ids_only) {
    std::cout << "more: --page-token " << Inert(response.next_page_token())
              << "\n";
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
  PrintUnknown(response.unknown());
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
                      "An item the session is about, with or without a user; "
                      "several times for several");
  command->add_option("-k", flags->k, "How many items")->capture_default_str();
  command->add_flag("--include-seen", flags->include_seen,
                    "Also items the user has interacted with");
  command->add_option("--after-sequence", flags->after_sequence,
                      "Only from a state that contains this sequence");
  command->add_option("--boost", flags->boosts,
                      "TAG=AMOUNT: added to the score of items with the tag, "
                      "from -1 to 1");
  command->add_option("--boost-if", flags->boosts_if,
                      "AMOUNT:EXPRESSION, as '0.2:price < 20': added to the "
                      "score of items for which the expression is true");
  command->add_option("--max-per-tag", flags->max_per_tag,
                      "Items of one tag at most; 0: any number");
  command->add_option("--popularity-weight", flags->popularity_weight,
                      "Added to the score, times the item's log popularity "
                      "(0 to 1)");
  command->add_option("--explore", flags->explore,
                      "Share of the places that go to random items");
  command->add_option("--seed", flags->seed, "Seed of --explore");
  command->add_option("--pages", flags->pages, "How many pages of k items")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--page-token", flags->page_token,
                      "Go on behind a page (the other flags as before)");
  command->add_flag("--ids", flags->ids_only, "Print ids only, one a line");
  command->add_flag("--properties", flags->properties,
                    "Print the items' properties, too");
  command->add_flag("--why", flags->why,
                    "Print what of the user's history speaks for each item");
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
