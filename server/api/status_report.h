#ifndef TAUD_SERVER_API_STATUS_REPORT_H_
#define TAUD_SERVER_API_STATUS_REPORT_H_

#include "server/api/daemon_context.h"
#include "taud/v1/model_service.pb.h"

namespace taud::server {

// The state of the daemon now, gathered from its parts. Any thread; takes
// each part's mutex for the time of a copy.
v1::Status ReportStatus(const DaemonContext& context);

// The snapshots on disk, newest first, and which one serves.
v1::ListSnapshotsResponse ReportSnapshots(const DaemonContext& context);

// The same of one of them; but the version nothing, if it is not on disk.
v1::SnapshotInfo ReportSnapshot(const DaemonContext& context,
                                model::SnapshotVersion version);

// Live quality, what is served, what comes in, what is learnt.
v1::Quality ReportQuality(const DaemonContext& context);

}  // namespace taud::server

#endif  // TAUD_SERVER_API_STATUS_REPORT_H_
