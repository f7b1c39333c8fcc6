#include "cli/bench/report.h"

#include <cstdint>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "cli/terminal/output.h"

namespace taud::cli {
namespace {

using Json = nlohmann::ordered_json;

void AddLatencyRow(const std::string& name, const Json& json, Table* table) {
  const auto number = [&](const char* key) {
    return json.contains(key) ? json[key].get<double>() : 0.0;
  };
  table->AddRow(
      {name,
       json.contains("requests_per_second")
           ? Count(static_cast<uint64_t>(number("requests_per_second")))
           : "",
       Fixed(number("p50_ms"), 3), Fixed(number("p90_ms"), 3),
       Fixed(number("p99_ms"), 3), Fixed(number("p99.9_ms"), 3),
       json.contains("errors") ? Count(json["errors"].get<uint64_t>()) : "",
       json.contains("refused")
           ? Count(json["refused"]["calls"].get<uint64_t>())
           : ""});
}

}  // namespace

std::string BenchReport(const Json& json) {
  std::ostringstream out;
  out << Count(json["items"].get<uint64_t>()) << " items x " << json["dim"]
      << ", k = " << json["k"] << ", index " << json["index"].get<std::string>()
      << " (" << json["kernel"].get<std::string>() << ")\n";
  Table table({"load", ">requests/s", ">p50 ms", ">p90 ms", ">p99 ms",
               ">p99.9 ms", ">errors", ">refused"});
  AddLatencyRow("one caller", json["lone"], &table);
  AddLatencyRow(
      absl::StrCat(json["closed"]["concurrency"].get<int>(), " callers"),
      json["closed"], &table);
  AddLatencyRow("echo, the same callers", json["echo"], &table);
  for (const Json& open : json["open"]) {
    const std::string rate = absl::StrCat(
        "at ", Count(static_cast<uint64_t>(open["rate"].get<double>())),
        " a second");
    AddLatencyRow(rate, open, &table);
    if (!open.contains("during_swaps")) continue;
    AddLatencyRow("  during swaps", open["during_swaps"], &table);
    AddLatencyRow("  between swaps", open["between_swaps"], &table);
  }
  out << table.ToString() << "FAISS alone, batches of "
      << json["faiss"]["batch"] << ": "
      << Count(static_cast<uint64_t>(
             json["faiss"]["queries_per_second"].get<double>()))
      << " queries/s, one query "
      << Fixed(json["faiss"]["lone_p50_ms"].get<double>(), 3)
      << " ms\nlimit of echo and FAISS together: "
      << Count(static_cast<uint64_t>(
             json["limit_requests_per_second"].get<double>()))
      << " requests/s; ratio to it "
      << Fixed(json["ratio_to_limit"].get<double>(), 2)
      << (json.contains("open_peak_requests_per_second")
              ? absl::StrCat(
                    "\npeak of the open loop: ",
                    Count(static_cast<uint64_t>(
                        json["open_peak_requests_per_second"].get<double>())),
                    " requests/s")
              : "")
      << "\none caller: "
      << Fixed(json["lone"]["ratio_to_echo_plus_faiss"].get<double>(), 2)
      << " of echo + FAISS\n";
  return out.str();
}

}  // namespace taud::cli
