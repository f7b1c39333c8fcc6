// Runs a fuzzer's function over every file of a directory, and over changes of
// each that a fixed seed makes: the corpus as a test, without libFuzzer. With
// SECONDS, over other changes for so long; what is run is written to a file
// before, and left there if it ends the process.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

constexpr int kChanges = TAUD_CORPUS_CHANGES;

void RunOn(const std::string& bytes) {
  // A copy of its own size, so that a sanitizer sees a read beyond it.
  const std::string copy(bytes);
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(copy.data()),
                         copy.size());
}

std::string Change(const std::string& bytes, std::mt19937* random) {
  std::string changed = bytes;
  const auto below = [random](size_t n) { return (*random)() % n; };
  for (size_t times = 1 + below(4); times > 0; --times) {
    if (changed.empty()) changed.push_back(static_cast<char>((*random)()));
    const size_t at = below(changed.size());
    switch (below(5)) {
      case 0:
        changed[at] = static_cast<char>(changed[at] ^ (1 << below(8)));
        break;
      case 1:
        changed[at] = static_cast<char>((*random)());
        break;
      case 2:
        changed.resize(at);
        break;
      case 3:
        changed.insert(at, changed.substr(at, below(16)));
        break;
      default:
        changed.erase(at, below(16));
    }
  }
  return changed;
}

int RunFor(const std::vector<std::string>& corpus, int seconds,
           const std::string& found) {
  std::mt19937 random(std::random_device{}());
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  uint64_t times = 0;
  while (std::chrono::steady_clock::now() < end) {
    const std::string bytes = Change(corpus[random() % corpus.size()], &random);
    std::ofstream(found, std::ios::binary) << bytes;
    RunOn(bytes);
    ++times;
  }
  std::filesystem::remove(found);
  std::cout << "stat::number_of_executed_units: " << times << "\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 4) {
    std::cerr << "usage: " << argv[0] << " DIRECTORY [SECONDS FILE]\n";
    return 2;
  }
  std::mt19937 random(1);
  int files = 0;
  std::vector<std::string> corpus;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    corpus.push_back(bytes);
    if (argc == 4) continue;
    RunOn(bytes);
    for (int i = 0; i < kChanges; ++i) RunOn(Change(bytes, &random));
    ++files;
  }
  if (argc == 4 && !corpus.empty()) {
    return RunFor(corpus, std::atoi(argv[2]), argv[3]);
  }
  std::cout << files << " files, " << files * kChanges << " changes of them\n";
  // A corpus that is not there must not look like one without findings.
  return files > 0 ? 0 : 1;
}
