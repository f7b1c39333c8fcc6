#ifndef TAUD_TESTS_FAULT_FAULT_TESTING_H_
#define TAUD_TESTS_FAULT_FAULT_TESTING_H_

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "store/verify.h"
#include "tests/e2e/api_client.h"
#include "tests/fault/ack_record.h"

// What the tests of faults do with a daemon, and note of it.

namespace taud::fault {

using e2e::ApiClient;
using e2e::DaemonProcess;

inline std::vector<std::string> FaultOptions() {
  std::vector<std::string> options = e2e::QuickTraining();
  options.push_back("--set");
  options.push_back("store.checkpoint_seconds=1");
  return options;
}

inline bool Write(const ApiClient& api, AckRecord* record, size_t size) {
  const std::vector<v1::Interaction> batch = record->NewBatch(size);
  v1::WriteInteractionsRequest request;
  for (const v1::Interaction& one : batch) *request.add_interactions() = one;
  v1::WriteInteractionsResponse response;
  if (!api.Write(request, &response).ok()) return false;
  record->Acknowledged(
      batch, {response.sequences().begin(), response.sequences().end()});
  return true;
}

// Some interactions, and a snapshot that serves them.
inline void WriteUntilReady(const ApiClient& api, AckRecord* record) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(api, record, 100));
  ASSERT_TRUE(
      api.WaitStatus([](const v1::Status& status) { return status.ready(); }));
}

// The receipt's id, or "" if the daemon died.
inline std::string EraseOne(const ApiClient& api, AckRecord* record) {
  const std::string user = record->ChooseUserToErase();
  grpc::ClientContext context;
  v1::EraseUserRequest request;
  request.set_id(user);
  v1::EraseUserResponse response;
  if (!api.catalog->EraseUser(&context, request, &response).ok()) return "";
  record->Erased(user, response.erasure().erasure_id(),
                 response.erasure().sequence());
  return response.erasure().erasure_id();
}

inline v1::Erasure GetErasure(const ApiClient& api, const std::string& id) {
  grpc::ClientContext context;
  v1::GetErasureRequest request;
  request.set_erasure_id(id);
  v1::Erasure erasure;
  api.catalog->GetErasure(&context, request, &erasure);
  return erasure;
}

// Asks until every erasure of the record is complete. False if the daemon died
// or it took two minutes.
inline bool WaitForErasures(const ApiClient& api, AckRecord* record) {
  return api.WaitStatus([&](const v1::Status&) {
    for (const std::string& id : record->OpenErasures()) {
      if (GetErasure(api, id).complete()) record->Complete(id);
    }
    return record->OpenErasures().empty();
  });
}

// The version that was published; 0 if that failed.
inline uint64_t PublishVersion(const ApiClient& api) {
  grpc::ClientContext context;
  v1::PublishResponse response;
  const grpc::Status status =
      api.model->Publish(&context, v1::PublishRequest(), &response);
  return status.ok() ? response.version() : 0;
}

inline bool Publish(const ApiClient& api) { return PublishVersion(api) > 0; }

// A daemon that has learnt something and saved it all.
inline void Prepare(const std::string& directory, AckRecord* record) {
  DaemonProcess daemon(directory, FaultOptions());
  ASSERT_TRUE(daemon.WaitUntilServing()) << daemon.log();
  const ApiClient api(daemon);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(Write(api, record, 100));
  ASSERT_TRUE(api.WaitStatus([](const v1::Status& status) {
    return status.ready() && status.checkpoint().number() > 0;
  }));
  ASSERT_TRUE(Publish(api));
  daemon.Signal(SIGTERM);
  ASSERT_EQ(daemon.Wait(), 0) << daemon.log();
}

// False: the daemon died, or refused.
inline bool Backup(const ApiClient& api, const std::string& directory) {
  grpc::ClientContext context;
  v1::BackupRequest request;
  request.set_directory(directory);
  v1::BackupResponse response;
  return api.model->Backup(&context, request, &response).ok();
}

// Fails the test for each file that is not as it should be.
inline void ExpectWhole(const std::string& directory) {
  const auto report = store::VerifyDataDirectory(directory, nullptr);
  ASSERT_TRUE(report.ok()) << report.status();
  for (const store::Problem& problem : report->problems) {
    ADD_FAILURE() << problem.what;
  }
}

inline void FlipByte(const std::string& path, double where) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto at = static_cast<std::streamoff>(
      static_cast<double>(std::filesystem::file_size(path)) * where);
  file.seekg(at);
  const int byte = file.get();
  file.seekp(at);
  file.put(static_cast<char>(byte ^ 0x10));
}

inline std::string FirstFile(const std::string& root,
                             const std::string& suffix) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(root)) {
    const std::string path = entry.path().string();
    if (entry.is_regular_file() && entry.file_size() > 0 &&
        path.size() > suffix.size() &&
        path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0) {
      return path;
    }
  }
  return "";
}

}  // namespace taud::fault

#endif  // TAUD_TESTS_FAULT_FAULT_TESTING_H_
