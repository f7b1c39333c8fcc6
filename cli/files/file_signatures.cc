#include "cli/files/file_signatures.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace taud::cli {
namespace {

constexpr size_t kBinaryBytes = 16;

struct Signature {
  absl::string_view begins;
  absl::string_view what;  // behind "the file is "
};

constexpr Signature kBinary[] = {
    {"PAR1",
     "Parquet, which tauctl cannot read, because Debian 12 has no Apache "
     "Arrow; write it as CSV first, e.g. with pandas or DuckDB"},
    {"Obj\x01", "Avro; write it as JSON Lines or CSV first"},
    {"ORC", "ORC; write it as CSV first"},
    {"PK\x03\x04", "a zip archive (or a spreadsheet); unpack it first"},
    {"BZh", "packed with bzip2; tauctl unpacks gzip and zstd, this `bunzip2`"},
    {"\xFD"
     "7zXZ",
     "packed with xz; tauctl unpacks gzip and zstd, this `unxz`"},
    {"7z\xBC\xAF", "a 7-Zip archive; unpack it first"},
    {"\x93NUMPY", "an array of NumPy; write it as CSV first"},
    {"SQLite format 3", "a SQLite database; export a table as CSV first"},
    {"\xFF\xFE", "UTF-16; save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`)"},
    {"\xFE\xFF", "UTF-16; save it as UTF-8 (`iconv -f UTF-16 -t UTF-8`)"},
};

// Compared without regard to case, behind blanks and line ends.
constexpr Signature kText[] = {
    {"<", "a web page or XML, not lines of data; did a download go wrong?"},
    {"version https://git-lfs",
     "a Git LFS pointer, not the data; `git lfs pull` fetches the data"},
    {"%%matrixmarket",
     "MatrixMarket, whose numbers could be anything; write it as CSV with a "
     "header (user,item,rating)"},
    {"[",
     "one JSON array; JSON Lines has an object a line: `jq -c '.[]'` makes "
     "them"},
};

absl::Status Is(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the file is ", what));
}

}  // namespace

absl::Status CheckSignature(absl::string_view beginning) {
  for (const Signature& one : kBinary) {
    if (absl::StartsWith(beginning, one.begins)) return Is(one.what);
  }
  // Not further on: an export may have ids with anything in them.
  if (absl::StrContains(beginning.substr(0, kBinaryBytes), '\0')) {
    return Is("binary, not lines of text");
  }
  absl::ConsumePrefix(&beginning, "\xEF\xBB\xBF");
  beginning = absl::StripLeadingAsciiWhitespace(beginning);
  for (const Signature& one : kText) {
    if (absl::StartsWithIgnoreCase(beginning, one.begins)) return Is(one.what);
  }
  return absl::OkStatus();
}

}  // namespace taud::cli
