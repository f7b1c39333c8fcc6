#!/usr/bin/env python3
"""What a daemon says of itself when something is wrong, and `tauctl status` at
any width and over restarts.

usage: status_test.py TAUD_BINARY TAUCTL_BINARY
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

from daemon_process import TIMEOUT, DaemonProcess

TAUD, TAUCTL = sys.argv[1:3]


def tauctl(daemon, *arguments, columns=80):
    return subprocess.run(
        [TAUCTL, "--server", daemon.address, *arguments], text=True,
        capture_output=True, timeout=TIMEOUT,
        env={**os.environ, "COLUMNS": str(columns)})


def status(daemon):
    return json.loads(tauctl(daemon, "--json", "status").stdout)


def page(daemon, path):
    try:
        with urllib.request.urlopen(
                f"http://127.0.0.1:{daemon.http_port}{path}",
                timeout=TIMEOUT) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class StatusTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="taud-status-")
        self.addCleanup(directory.cleanup)
        self.data = f"{directory.name}/data"

    def problems(self, said):
        return {p["code"]: p["severity"] for p in said["problems"]}

    def test_a_disk_without_room_is_said_everywhere(self):
        # More than any disk has.
        with DaemonProcess(TAUD, self.data,
                           "--set", "store.min_free_mib=1000000") as daemon:
            refused = tauctl(daemon, "simulate", "--interactions", "10")
            self.assertNotEqual(refused.returncode, 0)
            said = status(daemon)
            self.assertEqual(self.problems(said)["writes_refused"],
                             "SEVERITY_CRITICAL")
            self.assertTrue(said["summary"].startswith(
                "critical: writes refused"), said["summary"])
            text = said["problems"][0]["text"]
            self.assertIn("min_free_mib", text)
            self.assertRegex(text, r"since \d{4}-\d\d-\d\d .* UTC")
            metrics = page(daemon, "/metrics")[1]
            self.assertIn('taud_problem{code="writes_refused",'
                          'severity="critical"} 1', metrics)
            self.assertIn("taud_log_refusing 1", metrics)
            self.assertIn("taud_ready 0", metrics)
            self.assertEqual(page(daemon, "/readyz")[0], 503)
            shown = tauctl(daemon, "status").stdout
            self.assertTrue(shown.startswith("critical: writes refused"), shown)
            self.assertIn("- CRITICAL, writes refused:", shown)

    def test_when_all_is_learnt_nothing_is_behind_or_wrong(self):
        with DaemonProcess(TAUD, self.data) as daemon:
            self.assertEqual(self.problems(status(daemon)),
                             {"nothing_serves": "SEVERITY_INFO"})
            sent = tauctl(daemon, "simulate", "--interactions", "2000",
                          "--users", "50", "--items", "60")
            self.assertEqual(sent.returncode, 0, sent.stderr)
            for kind in ("click", "dislike"):  # repeats, and what is no positive
                file = f"{self.data}-{kind}.csv"
                with open(file, "w") as out:
                    out.write("user,item,kind\n")
                    out.writelines(f"n{n},i{n},{kind}\n" for n in (1, 2, 1, 2))
                tauctl(daemon, "ingest", file)
            watch = subprocess.Popen(
                [TAUCTL, "--server", daemon.address, "--json", "status",
                 "--watch", "--interval-ms", "100"],
                stdout=subprocess.PIPE, text=True)
            for line in watch.stdout:
                said = json.loads(line)
                through = said["serving"]["snapshot_trained_through"]
                if through == said["log"]["last_sequence"] == "2008":
                    break
            watch.kill()
            watch.communicate()
            said = status(daemon)
            self.assertEqual(said["problems"], [])
            self.assertIn("nothing is wrong", said["summary"])
            self.assertIn("trained on everything", said["summary"])
            self.assertGreater(int(said["storage"]["free_bytes"]), 0)
            self.assertGreater(int(said["storage"]["log_bytes"]), 0)
            self.assertIn("taud_snapshot_lag_interactions 0\n",
                          page(daemon, "/metrics")[1])

    def test_no_line_is_wider_than_the_terminal(self):
        with DaemonProcess(TAUD, self.data) as daemon:
            for columns in (40, 80, 200):
                lines = tauctl(daemon, "status",
                               columns=columns).stdout.splitlines()
                self.assertGreater(len(lines), 10)
                self.assertLessEqual(max(map(len, lines)), columns)

    def test_watching_goes_on_after_a_restart(self):
        daemon = DaemonProcess(TAUD, self.data)
        port = daemon.grpc_port
        watch = subprocess.Popen(
            [TAUCTL, "--server", daemon.address, "--json", "status", "--watch",
             "--interval-ms", "100"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        first = json.loads(watch.stdout.readline())["started_ms"]
        daemon.stop()
        with DaemonProcess(TAUD, self.data, grpc_port=port):
            for line in watch.stdout:
                if json.loads(line)["started_ms"] != first:
                    break
            else:
                self.fail(f"it did not come back: {watch.communicate()[1]}")
        watch.kill()
        self.assertIn("does not answer", watch.communicate()[1])

    def test_a_wrong_address_is_an_error_at_once(self):
        result = subprocess.run(
            [TAUCTL, "--server", "127.0.0.1:1", "status", "--watch"], text=True,
            capture_output=True, timeout=TIMEOUT)
        self.assertEqual(result.returncode, 1)
        self.assertIn("--server", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
