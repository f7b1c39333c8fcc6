#!/usr/bin/env python3
"""HAProxy as it is shipped, in front of a daemon: clients come through it, and the floods
that gRPC cannot bound end at it.

usage: proxy_test.py TAUD_BINARY TAUCTL_BINARY
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import raw_http2  # noqa: E402
import skips  # noqa: E402
from daemon_process import DaemonProcess  # noqa: E402
from proxy_process import (HAPROXY, ProxyProcess, make_certificate,  # noqa: E402
                           shipped_with)

TAUD, TAUCTL = sys.argv[1:3]
TIMEOUT = 60
RECOMMEND = b"/taud.v1.RecommendationService/Recommend"
INGEST = b"/taud.v1.IngestionService/Ingest"
# Sanitizers keep what was freed: of their memory nothing is said.
SANITIZED = any(name in pathlib.Path(TAUD).read_bytes()
                for name in (b"__asan_init", b"__tsan_init"))
# A message of 60 MiB begins.
LONG_MESSAGE = b"\0" + (60 << 20).to_bytes(4, "big")


class Flood:
    """attack(connection, stopping) on one connection after the other from an address of
    its own, in a thread, until the block ends. `cut_off` is set once a connection ended
    while it attacked, `refused` once one was not accepted."""

    def __init__(self, proxy, source, attack):
        self.proxy, self.source, self.attack = proxy, source, attack
        self.stopping = threading.Event()
        self.cut_off, self.refused = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.stopping.is_set():
            try:
                connection = raw_http2.connect(self.proxy.port, self.proxy.ca,
                                               self.source)
            except OSError:
                self.refused.set()
                self.stopping.wait(0.01)
                continue
            with connection:
                try:
                    self.attack(connection, self.stopping)
                except OSError:
                    self.cut_off.set()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def resets(connection, stopping):
    for stream in range(1, 1 << 31, 2):
        if stopping.is_set():
            return
        connection.sendall(raw_http2.opened_and_reset(RECOMMEND, stream))


def continuations(connection, stopping):
    for part in raw_http2.continuations(RECOMMEND, 100000):
        if stopping.is_set():
            return
        connection.sendall(part)


@unittest.skipUnless(HAPROXY, "SKIPPED: there is no haproxy")
class FileTest(unittest.TestCase):
    def test_haproxy_finds_no_fault(self):
        with tempfile.TemporaryDirectory(prefix="taud-proxy-") as name:
            directory = pathlib.Path(name)
            config = directory / "haproxy.cfg"
            _, both = make_certificate(directory)
            config.write_text(shipped_with({"/etc/haproxy/taud.pem": both}))
            result = subprocess.run([HAPROXY, "-c", "-f", config],
                                    capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn("WARNING", result.stderr)


@unittest.skipUnless(HAPROXY, "SKIPPED: there is no haproxy")
class ProxyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A connection that ends before TLS begins Python leaves to be collected.
        warnings.simplefilter("ignore", ResourceWarning)
        cls.temporary = tempfile.TemporaryDirectory(prefix="taud-proxy-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.directory = pathlib.Path(cls.temporary.name)
        cls.token = cls.make_token()
        cls.daemon = DaemonProcess(
            TAUD, f"{cls.directory}/data",
            "--set", f"auth.tokens_file={cls.directory}/tokens",
            "--set", "server.max_connections_per_host=0",
            "--set", "server.max_new_connections_per_host=0")
        cls.addClassCleanup(cls.daemon.stop)
        cls.proxy = ProxyProcess(cls.directory, cls.daemon.address)
        cls.addClassCleanup(cls.proxy.stop)
        cls.feed()

    @classmethod
    def make_token(cls):
        """Its file; the line is in taud's."""
        said = subprocess.run(
            [TAUCTL, "token", "new", "--name", "shop",
             "--roles", "recommend,ingest,observe"],
            check=True, capture_output=True, text=True).stdout
        token, line = said.split("\n")[:2]
        (cls.directory / "tokens").write_text(line + "\n")
        (cls.directory / "token").write_text(token + "\n")
        return cls.directory / "token"

    @classmethod
    def tauctl(cls, *arguments, token=True):
        credential = ["--token-file", cls.token] if token else []
        return subprocess.run(
            [TAUCTL, "--server", cls.proxy.address, "--tls", "--ca", cls.proxy.ca,
             *credential, *arguments],
            capture_output=True, text=True, timeout=TIMEOUT)

    @classmethod
    def feed(cls):
        """Interactions over the stream, until something serves."""
        likes = cls.directory / "likes.csv"
        likes.write_text("user,item\n" + "".join(
            f"u{user},i{(7 * user + 11 * n) % 40 * 2 + user % 2}\n"
            for user in range(60) for n in range(10)))
        sent = cls.tauctl("ingest", likes, "--wait", str(TIMEOUT))
        assert sent.returncode == 0, sent.stderr

    def resident_mib(self):
        status = pathlib.Path(
            f"/proc/{self.daemon.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def assert_others_are_answered(self):
        for user in range(3):
            result = self.tauctl("--timeout", "20", "recommend", "--ids",
                                 f"u{user}")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual(len(result.stdout.split()), 10)

    def assert_a_flood_ends_at_the_proxy(self, source, attack):
        before = self.resident_mib()
        with Flood(self.proxy, source, attack) as flood:
            self.assertTrue(flood.cut_off.wait(TIMEOUT))
            self.assertTrue(flood.refused.wait(TIMEOUT))
            self.assert_others_are_answered()
        if not SANITIZED:
            self.assertLess(self.resident_mib() - before, 64)

    def test_status_comes_through(self):
        result = self.tauctl("--json", "status")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(
            int(json.loads(result.stdout)["serving"]["snapshot_version"]), 0)

    def test_taud_asks_for_the_token(self):
        result = self.tauctl("status", token=False)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("credential", result.stderr)

    def test_streams_opened_and_reset(self):
        self.assert_a_flood_ends_at_the_proxy("127.0.0.2", resets)

    def test_continuation_frames(self):
        self.assert_a_flood_ends_at_the_proxy("127.0.0.3", continuations)

    def refused(self, source, path, wanted, status):
        """How many of 100 unfinished messages on a connection are answered with the
        status, when they are so many as wanted."""
        call = raw_http2.call(path, self.token.read_bytes().strip())
        refused = set()
        with raw_http2.connect(self.proxy.port, self.proxy.ca, source,
                               TIMEOUT) as connection:
            for stream in range(1, 201, 2):
                connection.sendall(
                    raw_http2.frame(raw_http2.HEADERS, raw_http2.END_HEADERS,
                                    stream, call) +
                    raw_http2.frame(raw_http2.DATA, 0, stream,
                                    LONG_MESSAGE + bytes(600)))
            for kind, stream, payload in raw_http2.frames(connection):
                # HAProxy writes a status as plain text.
                if kind == raw_http2.HEADERS and status in payload:
                    refused.add(stream)
                if len(refused) == wanted:
                    break
            self.assert_others_are_answered()
        return len(refused)

    def test_unfinished_streams_of_an_address_are_few(self):
        self.assertEqual(self.refused("127.0.0.4", INGEST, 80, b"503"), 80)

    def test_a_call_that_says_it_is_large_is_refused(self):
        self.assertEqual(self.refused("127.0.0.5", RECOMMEND, 100, b"413"), 100)


if __name__ == "__main__":
    skips.main()
