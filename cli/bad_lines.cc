#include "cli/bad_lines.h"

#include <iostream>

#include "absl/strings/escaping.h"

namespace taud::cli {

void BadLines::Add(const BadLine& bad) {
  if (++count_ > kShown) return;
  std::cerr << path_ << ":" << bad.line << ": " << bad.reason;
  if (!bad.text.empty()) {
    std::cerr << ": " << absl::Utf8SafeCHexEscape(bad.text);
  }
  std::cerr << "\n";
}

void BadLines::Finish() const {
  if (count_ > kShown) {
    std::cerr << path_ << ": and " << count_ - kShown << " more bad lines\n";
  }
}

}  // namespace taud::cli
