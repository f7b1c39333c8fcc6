// What happens at the sync points of the binary `taud_faults`: what the
// environment variable TAUD_FAULT says, `POINT:ACTION[@N]`, N being the hit at
// which it happens (the first by default):
//   kill       the process dies as of kill -9
//   power-cut  the same, and what was not synced is lost (faulty_disk.h)
//   oom        std::bad_alloc is thrown, and standard error says so
//   hold       the thread waits there, at that hit alone, until somebody opens
//              the FIFO that the variable TAUD_FAULT_GATE names for writing
//   inject     the code at the point does the wrong thing itself, from then on
// Points named `disk/FAULT` inject what faulty_disk.h says.

#include "model/sync_point.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>

#include "absl/strings/match.h"
#include "tests/fault/faulty_disk.h"

namespace taud::model {
namespace {

constexpr char kDisk[] = "disk/";

struct Fault {
  std::string point;
  std::string action;
  int at = 1;
};

Fault ParseFault() {
  Fault fault;
  const char* text = std::getenv("TAUD_FAULT");
  if (text == nullptr) return fault;
  const std::string all(text);
  const size_t colon = all.find(':');
  const size_t hit = all.find('@');
  fault.point = all.substr(0, colon);
  fault.action = all.substr(colon + 1, hit - colon - 1);
  if (hit != std::string::npos) fault.at = std::atoi(all.c_str() + hit + 1);
  return fault;
}

// Whether this is the hit, or a later one.
bool Hit(const char* name) {
  static const Fault& fault = *new Fault(ParseFault());
  static std::atomic<int> hits{0};
  return fault.point == name && ++hits >= fault.at;
}

const std::string& Action() {
  static const std::string& action = *new std::string(ParseFault().action);
  return action;
}

void HoldOnce() {
  static std::atomic<bool> held{false};
  if (held.exchange(true)) return;
  const int gate = open(std::getenv("TAUD_FAULT_GATE"), O_RDONLY | O_CLOEXEC);
  if (gate >= 0) close(gate);
}

}  // namespace

void ReachSyncPoint(const char* name) {
  if (!Hit(name)) return;
  if (Action() == "power-cut") fault::CutPower();
  if (Action() == "kill" || Action() == "power-cut") {
    kill(getpid(), SIGKILL);
    pause();
  }
  if (Action() == "oom") {
    std::fprintf(stderr, "no memory at %s\n", name);
    throw std::bad_alloc();
  }
  if (Action() == "hold") HoldOnce();
}

bool SyncPointInjects(const char* name) {
  if (absl::StartsWith(name, kDisk)) {
    return fault::DiskFault(std::string(name).substr(sizeof(kDisk) - 1));
  }
  return Action() == "inject" && Hit(name);
}

}  // namespace taud::model
