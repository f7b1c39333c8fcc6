#ifndef TAUD_CLI_BENCH_REPORT_H_
#define TAUD_CLI_BENCH_REPORT_H_

#include <string>

#include "nlohmann/json.hpp"

namespace taud::cli {

// The result of `tauctl bench serve` for people, from its JSON. Pure.
std::string BenchReport(const nlohmann::ordered_json& json);

}  // namespace taud::cli

#endif  // TAUD_CLI_BENCH_REPORT_H_
