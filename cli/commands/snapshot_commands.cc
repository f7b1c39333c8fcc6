// tauctl snapshots, tauctl publish, tauctl pause, tauctl resume,
// tauctl decisions

#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/commands/commands.h"
#include "cli/terminal/output.h"
#include "taud/v1/model_service.grpc.pb.h"

namespace taud::cli {
namespace {

using Stub = v1::ModelService::Stub;

// Makes the call; prints its response as JSON, or has `show` do it.
template <typename Request, typename Response>
absl::Status Call(const Common& common,
                  grpc::Status (Stub::*method)(grpc::ClientContext*,
                                               const Request&, Response*),
                  const Request& request,
                  const std::function<void(const Response&)>& show) {
  grpc::ClientContext context;
  Prepare(common, &context);
  Response response;
  const auto stub = v1::ModelService::NewStub(Connect(common));
  const grpc::Status status = ((*stub).*method)(&context, request, &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
  } else {
    show(response);
  }
  return absl::OkStatus();
}

// "serving, kept as before-sale"
std::string StateOf(const v1::SnapshotInfo& info) {
  std::vector<std::string> words;
  if (info.serving()) words.emplace_back("serving");
  if (info.pinned()) words.emplace_back("pinned");
  if (info.bad()) words.emplace_back("bad");
  if (!info.kept_as().empty()) {
    words.push_back(absl::StrCat("kept as ", info.kept_as()));
  }
  return absl::StrJoin(words, ", ");
}

std::string GateOf(const v1::SnapshotInfo& info) {
  if (!info.has_verdict()) return "";
  if (info.verdict().forced()) return "forced";
  return info.verdict().passed() ? "passed" : "rejected";
}

// "0.123 of 4,567"
std::string HitsOf(const v1::SnapshotInfo& info) {
  if (!info.has_quality()) return "";
  return absl::StrCat(Fixed(info.quality().hit_rate_10().value(), 3), " of ",
                      Count(info.quality().events()));
}

absl::Status ListSnapshots(const Common& common) {
  return Call<v1::ListSnapshotsRequest, v1::ListSnapshotsResponse>(
      common, &Stub::ListSnapshots, {},
      [](const v1::ListSnapshotsResponse& response) {
        Table table({">version", "state", "gate", ">live hits@10", "made",
                     ">trained through", ">users", ">items", ">size", ">loss",
                     ">tau_0"});
        for (const v1::SnapshotInfo& info : response.snapshots()) {
          const auto metric = [&info](const char* name) {
            const auto it = info.metrics().find(name);
            return it == info.metrics().end() ? std::string()
                                              : Fixed(it->second, 4);
          };
          table.AddRow({absl::StrCat(info.version()), StateOf(info),
                        GateOf(info), HitsOf(info), TimeOf(info.created_ms()),
                        Count(info.trained_through()), Count(info.users()),
                        Count(info.items()), Bytes(info.bytes()),
                        metric("loss"), metric("tau0")});
        }
        std::cout << table.ToString();
      });
}

void ShowVerdict(const v1::Verdict& verdict) {
  Table table({"check", "of", "", ">value", ">serving", ">at least", ">at most",
               "what"});
  for (const v1::Check& check : verdict.checks()) {
    const bool checked = check.checked();
    table.AddRow({check.name(), check.slice(),
                  !checked         ? "not checked"
                  : check.passed() ? "ok"
                                   : "FAILED",
                  checked ? Fixed(check.value(), 4) : "",
                  checked ? Fixed(check.reference(), 4) : "",
                  check.has_lower() ? Fixed(check.lower(), 4) : "",
                  check.has_upper() ? Fixed(check.upper(), 4) : "",
                  check.text()});
  }
  std::cout << table.ToString();
}

// One version with what the gate said of it.
absl::Status ShowSnapshot(const Common& common, uint64_t version) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::ListSnapshotsResponse response;
  const auto stub = v1::ModelService::NewStub(Connect(common));
  const grpc::Status status =
      stub->ListSnapshots(&context, v1::ListSnapshotsRequest(), &response);
  if (!status.ok()) return FromRpc(status, common.server);
  for (const v1::SnapshotInfo& info : response.snapshots()) {
    if (info.version() != version) continue;
    if (common.json) {
      std::cout << ToJson(info, true);
      return absl::OkStatus();
    }
    Table table = Table::OfProperties("version", absl::StrCat(version));
    table.AddRow({"state", StateOf(info)});
    table.AddRow({"gate", GateOf(info)});
    table.AddRow(
        {"compared with", absl::StrCat(info.verdict().compared_with())});
    table.AddRow({"live hits@10", HitsOf(info)});
    table.AddRow({"made", TimeOf(info.created_ms())});
    table.AddRow({"trained through", Count(info.trained_through())});
    std::cout << table.ToString();
    if (info.has_verdict()) ShowVerdict(info.verdict());
    return absl::OkStatus();
  }
  return absl::NotFoundError(absl::StrCat("no snapshot ", version,
                                          " is on disk; `tauctl snapshots` "
                                          "lists those that are"));
}

void ShowShifts(const char* what,
                const google::protobuf::RepeatedPtrField<v1::ItemShift>& all) {
  if (all.empty()) return;
  Table table({what, ">share before", ">share after"});
  for (const v1::ItemShift& shift : all) {
    table.AddRow({shift.item_id(), Fixed(shift.share_from(), 3),
                  Fixed(shift.share_to(), 3)});
  }
  std::cout << table.ToString();
}

absl::Status Diff(const Common& common, uint64_t from, uint64_t to) {
  v1::DiffSnapshotsRequest request;
  request.set_from(from);
  request.set_to(to);
  return Call<v1::DiffSnapshotsRequest, v1::SnapshotDiff>(
      common, &Stub::DiffSnapshots, request, [](const v1::SnapshotDiff& diff) {
        Table table({"", ">before", ">after"});
        table.AddRow({"version", absl::StrCat(diff.from().version()),
                      absl::StrCat(diff.to().version())});
        table.AddRow({"trained through", Count(diff.from().trained_through()),
                      Count(diff.to().trained_through())});
        table.AddRow({"live hits@10", HitsOf(diff.from()), HitsOf(diff.to())});
        table.AddRow({"mean tau_u", Fixed(diff.temperature_from(), 4),
                      Fixed(diff.temperature_to(), 4)});
        table.AddRow({"users only here", Count(diff.users_removed()),
                      Count(diff.users_added())});
        table.AddRow({"items only here", Count(diff.items_removed()),
                      Count(diff.items_added())});
        std::cout << table.ToString();
        Table same = Table::OfProperties(
            "share of a top ten that both have",
            absl::StrCat(Fixed(diff.list_overlap_10(), 3), " (",
                         Count(diff.sampled_users()), " users)"));
        same.AddRow({"share of an item's ten nearest that both have",
                     Fixed(diff.neighbour_overlap_10(), 3)});
        same.AddRow(
            {"mean cosine of a user's vectors", Fixed(diff.user_cosine(), 4)});
        same.AddRow(
            {"mean cosine of an item's vectors", Fixed(diff.item_cosine(), 4)});
        same.AddRow(
            {"mean change of tau_u", Fixed(diff.temperature_change(), 4)});
        std::cout << same.ToString();
        ShowShifts("gained places", diff.gained());
        ShowShifts("lost places", diff.lost());
      });
}

absl::Status Keep(const Common& common, uint64_t version,
                  const std::string& name) {
  v1::KeepSnapshotRequest request;
  request.set_version(version);
  request.set_name(name);
  return Call<v1::KeepSnapshotRequest, v1::SnapshotInfo>(
      common, &Stub::KeepSnapshot, request, [](const v1::SnapshotInfo& info) {
        std::cout << "snapshot " << info.version() << " is kept as "
                  << Inert(info.kept_as()) << " until it is released\n";
      });
}

absl::Status Release(const Common& common, const std::string& which) {
  v1::ReleaseSnapshotRequest request;
  uint64_t version = 0;
  if (absl::SimpleAtoi(which, &version)) {
    request.set_version(version);
  } else {
    request.set_name(which);
  }
  return Call<v1::ReleaseSnapshotRequest, v1::SnapshotInfo>(
      common, &Stub::ReleaseSnapshot, request,
      [](const v1::SnapshotInfo& info) {
        std::cout << "snapshot " << info.version()
                  << " goes when others of its age do\n";
      });
}

absl::Status Publish(const Common& common, bool force) {
  v1::PublishRequest request;
  request.set_force(force);
  return Call<v1::PublishRequest, v1::PublishResponse>(
      common, &Stub::Publish, request, [](const v1::PublishResponse& response) {
        std::cout << "snapshot " << response.version()
                  << " serves, trained through interaction "
                  << Count(response.trained_through())
                  << (response.verdict().forced() ? "; the gate had rejected it"
                                                  : "")
                  << "\n";
        if (response.verdict().forced()) ShowVerdict(response.verdict());
      });
}

absl::Status ListDecisions(const Common& common, int limit) {
  v1::ListDecisionsRequest request;
  request.set_limit(limit);
  return Call<v1::ListDecisionsRequest, v1::ListDecisionsResponse>(
      common, &Stub::ListDecisions, request,
      [](const v1::ListDecisionsResponse& response) {
        Table table({"when", "what", ">version", ">before", "why"});
        for (const v1::Decision& decision : response.decisions()) {
          const auto version = [](uint64_t v) {
            return v == 0 ? std::string() : absl::StrCat(v);
          };
          std::string kind = v1::Decision::Kind_Name(decision.kind());
          absl::StrReplaceAll({{"KIND_", ""}, {"_", " "}}, &kind);
          table.AddRow({TimeOf(decision.time_ms()), absl::AsciiStrToLower(kind),
                        version(decision.version()),
                        version(decision.from_version()), decision.text()});
        }
        std::cout << table.ToString(TerminalWidth());
      });
}

}  // namespace

void AddSnapshots(CLI::App* app, const Common* common, absl::Status* result) {
  struct Flags {
    uint64_t version = 0;
    uint64_t to = 0;
    std::string name;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app->add_subcommand("snapshots", "The snapshots on disk");
  command->callback([command, common, result] {
    if (command->get_subcommands().empty()) *result = ListSnapshots(*common);
  });
  CLI::App* show = command->add_subcommand(
      "show", "One of them, with each check of the gate");
  show->add_option("version", flags->version)->required();
  show->callback([common, flags, result] {
    *result = ShowSnapshot(*common, flags->version);
  });
  CLI::App* diff = command->add_subcommand("diff", "How two of them differ");
  diff->add_option("from", flags->version)->required();
  diff->add_option("to", flags->to, "Without it: the one that serves");
  diff->callback([common, flags, result] {
    *result = Diff(*common, flags->version, flags->to);
  });
  CLI::App* keep = command->add_subcommand(
      "keep", "Keeps one on disk, whatever goes, until it is released");
  keep->add_option("version", flags->version, "0: the one that serves")
      ->required();
  keep->add_option("name", flags->name,
                   "1 to 64 letters, digits, '.', '_' or '-'")
      ->required();
  keep->callback([common, flags, result] {
    *result = Keep(*common, flags->version, flags->name);
  });
  CLI::App* release = command->add_subcommand("release", "Keeps it no longer");
  release->add_option("which", flags->name, "Its version or its name")
      ->required();
  release->callback(
      [common, flags, result] { *result = Release(*common, flags->name); });
}

void AddPublish(CLI::App* app, const Common* common, absl::Status* result) {
  auto force = std::make_shared<bool>(false);
  CLI::App* command = app->add_subcommand(
      "publish", "Puts the model as it is now into service and on disk");
  command->add_flag("--force", *force,
                    "Though the gate rejects it; it is marked for ever");
  command->callback(
      [common, force, result] { *result = Publish(*common, *force); });
}

void AddPause(CLI::App* app, const Common* common, absl::Status* result) {
  CLI::App* pause = app->add_subcommand(
      "pause", "Learning stops; interactions still count for who sent them");
  pause->callback([common, result] {
    *result = Call<v1::PauseRequest, v1::PauseResponse>(
        *common, &Stub::Pause, {}, [](const v1::PauseResponse&) {
          std::cout
              << "learning is paused until `tauctl resume` or a restart\n";
        });
  });
  CLI::App* resume = app->add_subcommand("resume", "Learning goes on");
  resume->callback([common, result] {
    *result = Call<v1::ResumeRequest, v1::ResumeResponse>(
        *common, &Stub::Resume, {},
        [](const v1::ResumeResponse&) { std::cout << "learning goes on\n"; });
  });
}

void AddDecisions(CLI::App* app, const Common* common, absl::Status* result) {
  auto limit = std::make_shared<int>(50);
  CLI::App* command = app->add_subcommand(
      "decisions", "What was decided about snapshots and learning, and why");
  command->add_option("--limit", *limit, "How many, the newest first")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->callback(
      [common, limit, result] { *result = ListDecisions(*common, *limit); });
}

}  // namespace taud::cli
