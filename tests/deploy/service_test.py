#!/usr/bin/env python3
"""What a service manager hears of taud, and how far the unit shuts it in.

usage: service_test.py TAUD_BINARY UNIT_FILE
"""
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import skips  # noqa: E402
from daemon_process import DaemonProcess  # noqa: E402

BINARY, UNIT = sys.argv[1:3]


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="taud-service-")
        self.addCleanup(self.directory.cleanup)
        path = f"{self.directory.name}/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.socket.bind(path)
        self.socket.settimeout(60)
        self.env = dict(os.environ, NOTIFY_SOCKET=path)
        self.env.pop("WATCHDOG_USEC", None)

    def heard(self):
        return dict(line.split("=", 1) for line in
                    self.socket.recv(4096).decode().splitlines())

    def start(self):
        return DaemonProcess(BINARY, f"{self.directory.name}/data",
                             env=self.env)

    def test_reading_ready_alive_stopping(self):
        self.env["WATCHDOG_USEC"] = "400000"
        with self.start() as daemon:
            self.assertEqual(self.heard(), {"STATUS": "reading the log"})
            self.assertEqual(self.heard(), {
                "READY": "1", "STATUS":
                "no snapshot yet; trained through 0 of 0 interactions"})
            for _ in range(3):
                self.assertEqual(self.heard()["WATCHDOG"], "1")
            self.assertEqual(daemon.stop(), 0)
            last = self.heard()
            while "WATCHDOG" in last:
                last = self.heard()
            self.assertEqual(last, {"STOPPING": "1", "STATUS": "draining"})

    def test_it_need_not_be_watched(self):
        del self.env["NOTIFY_SOCKET"]
        with self.start() as daemon:
            self.assertEqual(daemon.stop(), 0)


@unittest.skipUnless(shutil.which("systemd-analyze"),
                     "SKIPPED: there is no systemd-analyze")
class UnitTest(unittest.TestCase):
    def analyze(self, *arguments):
        return subprocess.run(
            ["systemd-analyze", "--no-pager", *arguments],
            capture_output=True, text=True, timeout=60,
            env=dict(os.environ, SYSTEMD_COLORS="0"))

    def test_exposure(self):
        result = self.analyze("security", "--offline=true", UNIT)
        found = re.search(r"exposure level for \S+: ([\d.]+)", result.stdout)
        self.assertTrue(found, result.stdout + result.stderr)
        self.assertLessEqual(float(found.group(1)), 2.5)

    def test_every_key_is_known(self):
        result = self.analyze("verify", "--man=no", UNIT)
        bad = [line for line in result.stderr.splitlines()
               if "taud.service" in line and "is not executable" not in line]
        self.assertEqual(bad, [])


if __name__ == "__main__":
    skips.main()
