#ifndef TAUD_CLI_COMMANDS_STATUS_TEXT_H_
#define TAUD_CLI_COMMANDS_STATUS_TEXT_H_

#include <cstddef>
#include <string>

#include "taud/v1/model_service.pb.h"

// A daemon's status for people. Pure functions; no line is longer than `width`
// characters if that is 40 or more.

namespace taud::cli {

// Everything: the summary, the problems, then part by part.
std::string DescribeStatus(const v1::Status& status, size_t width);

// What one wants to see all the time, on a screenful. `before`: an earlier
// status of the same daemon, for rates; null: there is none.
std::string DescribeEssentials(const v1::Status& status,
                               const v1::Status* before, size_t width);

}  // namespace taud::cli

#endif  // TAUD_CLI_COMMANDS_STATUS_TEXT_H_
