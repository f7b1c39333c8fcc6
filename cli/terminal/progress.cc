#include "cli/terminal/progress.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "cli/terminal/output.h"

namespace taud::cli {
namespace {

constexpr absl::Duration kTerminalInterval = absl::Milliseconds(500);
constexpr absl::Duration kPlainInterval = absl::Seconds(10);
constexpr absl::Duration kRateWindow = absl::Seconds(2);

std::string Clock(double seconds) {
  const auto s = static_cast<int64_t>(seconds + 0.5);
  if (s < 3600) return absl::StrFormat("%d:%02d", s / 60, s % 60);
  return absl::StrFormat("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace

Progress::Progress(std::string unit)
    : unit_(std::move(unit)),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(absl::Now()),
      last_(start_),
      mark_(start_) {}

void Progress::Update(uint64_t done, double share) {
  const absl::Time now = absl::Now();
  if (!Due(now)) return;
  rate_ = static_cast<double>(done - mark_done_) /
          absl::ToDoubleSeconds(now - mark_);
  if (now - mark_ > kRateWindow) {
    mark_ = now;
    mark_done_ = done;
  }
  Print(
      absl::StrCat(Count(done), " ", unit_, ", ",
                   Count(static_cast<uint64_t>(rate_)), "/s", Left(now, share)),
      false);
}

void Progress::Show(const std::string& text, double share) {
  const absl::Time now = absl::Now();
  if (Due(now)) Print(absl::StrCat(text, Left(now, share)), false);
}

void Progress::Note(const std::string& line) {
  last_ = absl::Now();
  Print(line, true);
}

bool Progress::Due(absl::Time now) {
  if (now - last_ < (terminal_ ? kTerminalInterval : kPlainInterval)) {
    return false;
  }
  last_ = now;
  return true;
}

std::string Progress::Left(absl::Time now, double share) const {
  if (share <= 0) return "";
  const double elapsed = absl::ToDoubleSeconds(now - start_);
  return absl::StrCat(absl::StrFormat(", %.0f %%, ", 100 * share),
                      Clock(elapsed / share * (1 - share)), " left");
}

void Progress::Finish(uint64_t done) {
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start_);
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  Print(absl::StrCat(Count(done), " ", unit_, " in ",
                     absl::StrFormat("%.1f s, ", seconds),
                     Count(static_cast<uint64_t>(rate)), "/s"),
        true);
}

void Progress::Print(const std::string& line, bool last) {
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s%s", line.c_str(), last ? "\n" : "");
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

}  // namespace taud::cli
