#ifndef TAUD_CLI_COMMANDS_ITEMS_FILE_H_
#define TAUD_CLI_COMMANDS_ITEMS_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "cli/client/client.h"
#include "cli/files/item_reader.h"

namespace taud::cli {

// Upserts every item of the file (item_reader.h says which files), showing how
// it is understood and progress; bad and rejected lines are shown, counted and
// passed over. An error if nothing was taken, or if more than `max_bad` of them
// were bad or rejected.
absl::Status UpsertItemsFile(const Common& common, const std::string& path,
                             UnknownItemColumns unknown, uint64_t max_bad);

}  // namespace taud::cli

#endif  // TAUD_CLI_COMMANDS_ITEMS_FILE_H_
