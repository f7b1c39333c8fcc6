#include "cli/files/bad_lines.h"

#include <iostream>

#include "absl/strings/str_cat.h"
#include "cli/terminal/output.h"

namespace taud::cli {

void BadLines::Add(const BadLine& bad) {
  if (++count_ > kShown) return;
  std::cerr << Inert(absl::StrCat(path_, ":", bad.line, ": ", bad.reason,
                                  bad.text.empty() ? "" : ": ", bad.text))
            << "\n";
}

void BadLines::Finish() const {
  if (count_ > kShown) {
    std::cerr << Inert(path_) << ": and " << count_ - kShown
              << " more bad lines\n";
  }
}

}  // namespace taud::cli
