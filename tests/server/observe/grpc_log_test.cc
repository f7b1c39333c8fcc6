#include "server/observe/grpc_log.h"

#include <grpc/support/log.h>

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/observe/logging.h"

namespace taud::server {
namespace {

TEST(GrpcLogTest, AFloodIsAFewLines) {
  InitLogging("info", "text");
  TakeGrpcLog();
  testing::internal::CaptureStderr();
  for (int i = 0; i < 1000; ++i) {
    gpr_log(GPR_ERROR, "Handshake failed with fatal error %d\nforged", i);
  }
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, testing::HasSubstr("gRPC complains"));
  EXPECT_THAT(said, testing::HasSubstr("Handshake failed"));
  const std::vector<std::string> lines =
      absl::StrSplit(said, '\n', absl::SkipEmpty());
  EXPECT_GE(lines.size(), 5u);
  EXPECT_LT(lines.size(), 20u);
  for (const std::string& line : lines) {
    EXPECT_THAT(line, testing::HasSubstr("warning")) << line;
  }
}

}  // namespace
}  // namespace taud::server
