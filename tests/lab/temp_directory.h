#ifndef TAUD_TESTS_LAB_TEMP_DIRECTORY_H_
#define TAUD_TESTS_LAB_TEMP_DIRECTORY_H_

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace taud::lab {

// A directory that goes away with the test. One thread's.
class TempDirectory {
 public:
  TempDirectory() {
    std::string name = testing::TempDir() + "/taud-lab-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::string& path() const { return path_; }
  void Write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ + "/" + name) << content;
  }

 private:
  std::string path_;
};

}  // namespace taud::lab

#endif  // TAUD_TESTS_LAB_TEMP_DIRECTORY_H_
