#ifndef TAUD_CLI_FILES_LAYOUT_H_
#define TAUD_CLI_FILES_LAYOUT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// How the lines of a file of interactions are to be read. Pure.

namespace taud::cli {

// The layouts `tauctl ingest` understands.
enum class InteractionFormat {
  kAuto,        // guessed from the first lines
  kAdjacency,   // `user item item …`, blanks between
  kUData,       // MovieLens u.data: user, item, rating, time; tabs between
  kRatingsDat,  // MovieLens ratings.dat: the same, `::` between
  kCsv,         // a header that names the columns (columns.h); `,` `;` or tabs
  kJsonLines,   // an object a line, fields as the columns above
};

// "auto", "adjacency", "u.data", "ratings.dat", "csv", "jsonl".
absl::StatusOr<InteractionFormat> ParseFormatName(absl::string_view name);

// From the first lines that are not empty, in their order. INVALID_ARGUMENT if
// they look like none of them, or like several. Adjacency lists are guessed
// only where every field is a whole number and no line says otherwise.
// REQUIRES: there is a line.
absl::StatusOr<InteractionFormat> GuessFormat(
    const std::vector<absl::string_view>& lines);

// The words of a line, blanks and tabs between.
std::vector<std::string> Words(absl::string_view line);

}  // namespace taud::cli

#endif  // TAUD_CLI_FILES_LAYOUT_H_
