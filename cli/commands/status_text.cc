#include "cli/commands/status_text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "cli/terminal/output.h"

namespace taud::cli {
namespace {

const char* SeverityName(v1::Problem::Severity severity) {
  if (severity == v1::Problem::SEVERITY_CRITICAL) return "CRITICAL";
  return severity == v1::Problem::SEVERITY_WARNING ? "WARNING" : "to know";
}

// The summary, and a paragraph for each problem.
std::string Problems(const v1::Status& s, size_t width) {
  std::string out = Wrapped(Inert(s.summary()), width);
  for (const v1::Problem& problem : s.problems()) {
    out.append(Wrapped(
        Inert(absl::StrCat("- ", SeverityName(problem.severity()), ", ",
                           absl::StrReplaceAll(problem.code(), {{"_", " "}}),
                           ": ", problem.text())),
        width));
  }
  return out;
}

std::string Percent(double share) {
  return absl::StrCat(Fixed(100 * share, 2), " %");
}

std::string Quality(const v1::LiveFigures& q) {
  if (q.events() == 0) return "not known yet: no event was evaluated";
  return absl::StrCat(
      "hit rate at 10 ", Percent(q.hit_rate_10().value()), " (",
      Percent(q.hit_rate_10().low()), " to ", Percent(q.hit_rate_10().high()),
      "), popularity ", Percent(q.popularity_hit_rate_10()), ", NDCG ",
      Fixed(q.ndcg_10(), 4), ", ", Count(q.events()), " events");
}

std::string Snapshot(const v1::Status& s) {
  const v1::ServingStatus& v = s.serving();
  if (v.snapshot_version() == 0) return "none yet";
  return absl::StrCat(
      "version ", v.snapshot_version(), v.forced() ? " (forced)" : "",
      v.pinned_version() != 0 ? " (pinned)" : "", ", made ",
      AgeOf(v.snapshot_created_ms(), s.now_ms()), ", trained through ",
      Count(v.snapshot_trained_through()));
}

std::string Index(const v1::IndexStatus& index) {
  if (index.kind().empty()) return "none yet";
  return absl::StrCat(index.kind(), " on ", index.device(), ", ",
                      Count(index.items()), " items x ", index.dim(),
                      ", built in ", Fixed(index.build_seconds() * 1000, 1),
                      " ms");
}

std::string Swaps(const v1::ServingStatus& v) {
  std::string text = absl::StrCat(Count(v.swaps()), " swaps, ",
                                  Count(v.rejected()), " rejected");
  if (v.automatic_rollbacks() > 0) {
    absl::StrAppend(&text, ", ", Count(v.automatic_rollbacks()),
                    " rolled back by itself");
  }
  return text;
}

std::string Phase(const v1::Status& s) {
  const std::string why =
      s.not_ready().empty() ? "" : absl::StrCat(" (", s.not_ready(), ")");
  return absl::StrCat(s.phase(), s.ready() ? ", ready" : ", not ready", why,
                      ", started ", AgeOf(s.started_ms(), s.now_ms()));
}

std::string Learning(const v1::TrainerStatus& t) {
  return absl::StrCat(
      t.state(), " on ", t.device(), ", ", Fixed(t.epochs(), 1), " epochs, ",
      Count(static_cast<uint64_t>(t.positives_per_second())), " positives/s");
}

// Nothing where τ₀ is what Eq. 14 says, or of a daemon that does not tell.
std::string Factor(const v1::TrainerStatus& t) {
  const bool says = t.tau0_factor() > 0 && t.tau0_factor() != 1;
  return says ? absl::StrCat(" (x ", Fixed(t.tau0_factor(), 2), ")") : "";
}

std::string Temperatures(const v1::TrainerStatus& t) {
  return absl::StrCat(
      "tau_0 ", Fixed(t.tau0(), 4), Factor(t), ", tau_u ",
      Fixed(t.tau_user_p10(), 4), " / ", Fixed(t.tau_user_p50(), 4), " / ",
      Fixed(t.tau_user_p90(), 4), " (10/50/90 %)",
      t.warming_up() ? ", warming up" : "", "; rho ", Fixed(t.rho(), 2));
}

// What counts beside the cosine with a user's vector.
std::string RankedBy(const v1::ServingStatus& v) {
  const auto weight = [](double value) {
    return value > 0 ? Fixed(value, 2) : std::string("0");
  };
  return absl::StrCat(
      "cosine; latest items ", weight(v.recent_weight()), ", common taste as ",
      weight(v.prior_strength()), " interactions, neighbourhood ",
      weight(v.neighbour_weight()),
      v.neighbour_weight() > 0 ? absl::StrCat(" by popularity to the power of ",
                                              weight(v.neighbour_power()))
                               : "");
}

std::string Disk(const v1::StorageStatus& d) {
  if (d.capacity_bytes() == 0) return "not looked at yet";
  return absl::StrCat(Bytes(d.free_bytes()), " free of ",
                      Bytes(d.capacity_bytes()), "; log ", Bytes(d.log_bytes()),
                      ", snapshots ", Bytes(d.snapshot_bytes()),
                      ", checkpoints ", Bytes(d.checkpoint_bytes()));
}

// How much a count has grown in a second; "" without an earlier one of the same
// process.
std::string Rate(const v1::Status& now, const v1::Status* before,
                 uint64_t count_now, uint64_t count_before) {
  if (before == nullptr || before->started_ms() != now.started_ms() ||
      now.now_ms() <= before->now_ms() || count_now < count_before) {
    return "";
  }
  const double seconds =
      static_cast<double>(now.now_ms() - before->now_ms()) / 1000;
  const auto grown = static_cast<double>(count_now - count_before);
  return absl::StrCat(" (", Fixed(grown / seconds, 1), "/s)");
}

}  // namespace

std::string DescribeStatus(const v1::Status& s, size_t width) {
  const v1::TrainerStatus& t = s.trainer();
  const v1::ServingStatus& v = s.serving();
  const v1::LogStatus& l = s.log();
  Table table = Table::OfProperties("taud", s.server_version());
  table.AddRow({"phase", Phase(s)});
  table.AddRow({"log", absl::StrCat(Count(l.interactions()), " interactions, ",
                                    Count(l.users()), " users, ",
                                    Count(l.items()), " items")});
  table.AddRow({"", absl::StrCat("last sequence ", Count(l.last_sequence()),
                                 ", ", Count(l.duplicates()), " duplicates, ",
                                 Count(l.write_errors()), " write errors")});
  table.AddRow({"trainer", Learning(t)});
  table.AddRow({"", absl::StrCat("loss ", Fixed(t.loss(), 4), ", backlog ",
                                 Count(t.backlog()), ", trained through ",
                                 Count(t.trained_through()))});
  table.AddRow({"temperature", Temperatures(t)});
  table.AddRow({"snapshot", Snapshot(s)});
  table.AddRow({"", Swaps(v)});
  if (!v.last_rejection().empty()) {
    table.AddRow({"", absl::StrCat("last rejection: ", v.last_rejection())});
  }
  if (v.snapshot_version() > 0) table.AddRow({"ranked by", RankedBy(v)});
  table.AddRow({"quality", Quality(s.quality())});
  table.AddRow({"index", Index(s.index())});
  table.AddRow(
      {"requests", absl::StrCat(Count(v.requests()), ", ", Count(v.errors()),
                                " errors, ", Count(v.queued()), " waiting")});
  table.AddRow({"disk", Disk(s.storage())});
  table.AddRow({"memory", Bytes(v.resident_bytes())});
  return absl::StrCat(Problems(s, width), "\n", table.ToString(width));
}

std::string DescribeEssentials(const v1::Status& s, const v1::Status* before,
                               size_t width) {
  const v1::TrainerStatus& t = s.trainer();
  const v1::ServingStatus& v = s.serving();
  const v1::LogStatus& l = s.log();
  // Without a snapshot there is nothing that could be behind.
  const uint64_t lag =
      v.snapshot_version() == 0
          ? t.backlog()
          : l.last_sequence() -
                std::min(l.last_sequence(), v.snapshot_trained_through());
  const v1::ServingStatus& v0 = before == nullptr
                                    ? v1::ServingStatus::default_instance()
                                    : before->serving();
  const uint64_t last0 = before == nullptr ? 0 : before->log().last_sequence();
  Table table = Table::OfProperties("taud", s.server_version());
  table.AddRow({"phase", Phase(s)});
  table.AddRow({"quality", Quality(s.quality())});
  table.AddRow({"snapshot", Snapshot(s)});
  table.AddRow(
      {"fresh", absl::StrCat(Count(lag), " interactions behind, ",
                             Count(t.backlog()), " not learnt, ", Swaps(v))});
  table.AddRow(
      {"taken in",
       absl::StrCat(Count(l.interactions()), " interactions",
                    Rate(s, before, l.last_sequence(), last0), ", ",
                    Count(l.users()), " users, ", Count(l.items()), " items")});
  table.AddRow(
      {"requests", absl::StrCat(Count(v.requests()),
                                Rate(s, before, v.requests(), v0.requests()),
                                ", ", Count(v.errors()), " errors",
                                Rate(s, before, v.errors(), v0.errors()), ", ",
                                Count(v.queued()), " waiting")});
  table.AddRow(
      {"learning", absl::StrCat(t.state(), ", loss ", Fixed(t.loss(), 4),
                                ", tau_0 ", Fixed(t.tau0(), 4), ", tau_u ",
                                Fixed(t.tau_user_p50(), 4))});
  table.AddRow({"disk", Disk(s.storage())});
  table.AddRow({"memory", Bytes(v.resident_bytes())});
  return absl::StrCat(Problems(s, width), "\n", table.ToString(width));
}

}  // namespace taud::cli
