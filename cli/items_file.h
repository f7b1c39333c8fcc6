#ifndef TAUD_CLI_ITEMS_FILE_H_
#define TAUD_CLI_ITEMS_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "cli/client.h"

namespace taud::cli {

// Upserts every item of the file (item_reader.h says which files), showing
// progress; bad lines are shown, counted and passed over.
absl::Status UpsertItemsFile(const Common& common, const std::string& path);

}  // namespace taud::cli

#endif  // TAUD_CLI_ITEMS_FILE_H_
