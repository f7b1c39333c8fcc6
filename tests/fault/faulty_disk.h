#ifndef TAUD_TESTS_FAULT_FAULTY_DISK_H_
#define TAUD_TESTS_FAULT_FAULTY_DISK_H_

#include <string>

namespace taud::fault {

// The disk of the binary `taud_faults`. While a file of one of these names is
// in the directory that the environment variable TAUD_DISK_FAULTS names:
//   read-only   every write fails, as after a remount
//   slow        every sync of the log takes 150 ms longer
//   drop-sync   a sync says that it was done, and was not
// Any thread.
bool DiskFault(const std::string& name);

// Makes RocksDB's files what a power cut would leave: bytes that were not
// synced are cut off, files whose directory was not synced are gone. Every
// later write waits for ever, so that nothing is acknowledged afterwards.
void CutPower();

}  // namespace taud::fault

#endif  // TAUD_TESTS_FAULT_FAULTY_DISK_H_
