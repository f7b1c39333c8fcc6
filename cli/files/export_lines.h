#ifndef TAUD_CLI_FILES_EXPORT_LINES_H_
#define TAUD_CLI_FILES_EXPORT_LINES_H_

#include <string>

#include "store/verify.h"

// Interactions as `tauctl export` writes them, each a line with its end (a
// quoted id may have line ends of its own), and as InteractionReader reads them
// back exactly. Pure.

namespace taud::cli {

inline constexpr char kExportHeader[] =
    "user_id,item_id,time_ms,kind,weight,event_id,sequence\n";

std::string ExportCsvLine(const store::ExportedEvent& event);
std::string ExportJsonLine(const store::ExportedEvent& event);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_EXPORT_LINES_H_
