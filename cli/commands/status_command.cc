// tauctl status, tauctl snapshots, tauctl publish

#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "cli/commands/commands.h"
#include "cli/terminal/output.h"
#include "taud/v1/model_service.grpc.pb.h"

namespace taud::cli {
namespace {

struct StatusFlags {
  bool watch = false;
  int interval_ms = 1000;
};

std::string Describe(const v1::Status& s) {
  const v1::TrainerStatus& t = s.trainer();
  const v1::ServingStatus& v = s.serving();
  const v1::LogStatus& l = s.log();
  Table table = Table::OfProperties("taud", s.server_version());
  table.AddRow(
      {"phase", absl::StrCat(s.phase(), s.ready() ? ", ready" : ", not ready",
                             ", started ", AgeOf(s.started_ms(), s.now_ms()))});
  table.AddRow({"log", absl::StrCat(Count(l.interactions()), " interactions, ",
                                    Count(l.users()), " users, ",
                                    Count(l.items()), " items")});
  table.AddRow({"", absl::StrCat("last sequence ", Count(l.last_sequence()),
                                 ", ", Count(l.duplicates()), " duplicates, ",
                                 Count(l.write_errors()), " write errors")});
  if (!l.refusing().empty()) table.AddRow({"", l.refusing()});
  table.AddRow(
      {"trainer",
       absl::StrCat(t.state(), " on ", t.device(), ", ", Fixed(t.epochs(), 1),
                    " epochs, ",
                    Count(static_cast<uint64_t>(t.positives_per_second())),
                    " positives/s")});
  if (!t.error().empty()) table.AddRow({"", t.error()});
  table.AddRow({"", absl::StrCat("loss ", Fixed(t.loss(), 4), ", backlog ",
                                 Count(t.backlog()), ", trained through ",
                                 Count(t.trained_through()))});
  table.AddRow(
      {"temperature", absl::StrCat("tau_0 ", Fixed(t.tau0(), 4), ", tau_u ",
                                   Fixed(t.tau_user_p10(), 4), " / ",
                                   Fixed(t.tau_user_p50(), 4), " / ",
                                   Fixed(t.tau_user_p90(), 4), " (10/50/90 %)",
                                   t.warming_up() ? ", warming up" : "",
                                   "; rho ", Fixed(t.rho(), 2))});
  table.AddRow({"snapshot",
                v.snapshot_version() == 0
                    ? std::string("none yet")
                    : absl::StrCat("version ", v.snapshot_version(), ", ",
                                   AgeOf(v.snapshot_created_ms(), s.now_ms()),
                                   ", trained through ",
                                   Count(v.snapshot_trained_through()))});
  table.AddRow({"", absl::StrCat(Count(v.swaps()), " swaps, ",
                                 Count(v.rejected()), " rejected")});
  if (!v.last_rejection().empty()) table.AddRow({"", v.last_rejection()});
  table.AddRow(
      {"index",
       absl::StrCat(s.index().kind(), " on ", s.index().device(), ", ",
                    Count(s.index().items()), " items x ", s.index().dim(),
                    ", built in ", Fixed(s.index().build_seconds() * 1000, 1),
                    " ms")});
  table.AddRow(
      {"requests", absl::StrCat(Count(v.requests()), ", ", Count(v.errors()),
                                " errors, ", Count(v.queued()), " waiting")});
  return table.ToString();
}

absl::Status GetStatus(const Common& common) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::Status response;
  const auto stub = v1::ModelService::NewStub(Connect(common));
  const grpc::Status status =
      stub->GetStatus(&context, v1::GetStatusRequest(), &response);
  if (!status.ok()) return FromRpc(status, common.server);
  std::cout << (common.json ? ToJson(response, true) : Describe(response));
  return absl::OkStatus();
}

absl::Status Watch(const Common& common, int interval_ms) {
  grpc::ClientContext context;  // no deadline: until interrupted
  v1::WatchStatusRequest request;
  request.set_interval_ms(interval_ms);
  const auto stub = v1::ModelService::NewStub(Connect(common));
  const auto stream = stub->WatchStatus(&context, request);
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  v1::Status response;
  while (stream->Read(&response)) {
    if (common.json) {
      std::cout << ToJson(response, false) << std::flush;
    } else {
      if (terminal) std::cout << "\033[H\033[2J";
      std::cout << Describe(response) << (terminal ? "" : "\n") << std::flush;
    }
  }
  return FromRpc(stream->Finish(), common.server);
}

absl::Status ListSnapshots(const Common& common) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::ListSnapshotsResponse response;
  const auto stub = v1::ModelService::NewStub(Connect(common));
  const grpc::Status status =
      stub->ListSnapshots(&context, v1::ListSnapshotsRequest(), &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
    return absl::OkStatus();
  }
  Table table({">version", "serving", "made", ">trained through", ">users",
               ">items", ">size", ">loss", ">tau_0"});
  for (const v1::SnapshotInfo& info : response.snapshots()) {
    const auto metric = [&info](const char* name) {
      const auto it = info.metrics().find(name);
      return it == info.metrics().end() ? std::string() : Fixed(it->second, 4);
    };
    table.AddRow({absl::StrCat(info.version()), info.serving() ? "yes" : "",
                  TimeOf(info.created_ms()), Count(info.trained_through()),
                  Count(info.users()), Count(info.items()), Bytes(info.bytes()),
                  metric("loss"), metric("tau0")});
  }
  std::cout << table.ToString();
  return absl::OkStatus();
}

absl::Status Publish(const Common& common) {
  grpc::ClientContext context;
  Prepare(common, &context);
  v1::PublishResponse response;
  const auto stub = v1::ModelService::NewStub(Connect(common));
  const grpc::Status status =
      stub->Publish(&context, v1::PublishRequest(), &response);
  if (!status.ok()) return FromRpc(status, common.server);
  if (common.json) {
    std::cout << ToJson(response, true);
  } else {
    std::cout << "snapshot " << response.version()
              << " serves, trained through interaction "
              << Count(response.trained_through()) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

void AddStatus(CLI::App* app, const Common* common, absl::Status* result) {
  auto flags = std::make_shared<StatusFlags>();
  CLI::App* command = app->add_subcommand("status", "What the daemon is doing");
  command->add_flag("--watch", flags->watch, "Again and again, until Ctrl-C");
  command
      ->add_option("--interval-ms", flags->interval_ms,
                   "With --watch: how often")
      ->check(CLI::Range(100, 60000))
      ->capture_default_str();
  command->callback([common, flags, result] {
    *result =
        flags->watch ? Watch(*common, flags->interval_ms) : GetStatus(*common);
  });
}

void AddSnapshots(CLI::App* app, const Common* common, absl::Status* result) {
  CLI::App* command = app->add_subcommand("snapshots", "The snapshots on disk");
  command->callback([common, result] { *result = ListSnapshots(*common); });
}

void AddPublish(CLI::App* app, const Common* common, absl::Status* result) {
  CLI::App* command = app->add_subcommand(
      "publish", "Puts the model as it is now into service and on disk");
  command->callback([common, result] { *result = Publish(*common); });
}

}  // namespace taud::cli
