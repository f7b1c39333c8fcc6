#!/usr/bin/env python3
"""The Python client, alone and against a real daemon.

usage: client_test.py TAUD_BINARY [CYCLES]
The package `taud`, built, is on PYTHONPATH.
"""
import datetime
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3]
                       / "tests" / "e2e"))
from daemon_process import DaemonProcess  # noqa: E402

import taud  # noqa: E402
from taud import interactions  # noqa: E402

BINARY = sys.argv[1]
CYCLES = int(sys.argv[2]) if len(sys.argv) > 2 else 2
TAUCTL = str(pathlib.Path(BINARY).with_name("tauctl"))


def error(cls, retry_after=None):
    return cls("CODE", "message", {}, "", retry_after)


class CredentialsTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterDirectory())
        made = json.loads(subprocess.run(
            [TAUCTL, "--json", "token", "new", "--name", "shop",
             "--roles", "recommend,ingest"], check=True,
            capture_output=True).stdout)
        self.token = made["token"]
        (self.directory / "tokens").write_text(json.dumps(made["line"]) + "\n")

    def enterDirectory(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        return directory.name

    def daemon(self, *flags):
        return DaemonProcess(
            BINARY, str(self.directory / "data"), "--set",
            f"auth.tokens_file={self.directory / 'tokens'}", *flags)

    def test_a_token_is_sent_with_every_kind_of_call(self):
        with self.daemon() as daemon:
            with taud.Client(daemon.address) as client:
                with self.assertRaises(taud.Unauthenticated):
                    client.write([("ann", "m")])
            with taud.Client(daemon.address, token=self.token) as client:
                self.assertEqual(client.write([("ann", "m")]), 1)
                with client.ingest("a stream") as stream:
                    stream.send([("bob", "m")], position=1)
                with self.assertRaisesRegex(taud.PermissionDenied,
                                            "the role observe"):
                    client.status()
                with self.assertRaisesRegex(taud.PermissionDenied,
                                            "the role observe"):
                    client.wait_until_learnt(1)

    def test_tls(self):
        ca, key = self.directory / "ca.pem", self.directory / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", str(key), "-out", str(ca)], check=True,
            capture_output=True)
        with self.daemon("--set", f"tls.certificate_file={ca}",
                         "--set", f"tls.key_file={key}") as daemon:
            with taud.Client(daemon.address, token=self.token,
                             ca=str(ca)) as client:
                self.assertEqual(client.write([("ann", "m")]), 1)
            with taud.Client(daemon.address, token=self.token,
                             timeout=1) as client:
                with self.assertRaises(taud.Error):
                    client.write([("ann", "m")])

    def test_a_certificate_needs_its_key(self):
        with self.assertRaises(ValueError):
            taud.Client("localhost:1", certificate="c.pem")


class RetryTest(unittest.TestCase):
    def test_table(self):
        policy = taud.Retry(attempts=4, first=0.1, most=0.5)
        cases = (
            # error, attempt, seconds left, chance, expected
            (error(taud.Unavailable), 1, 10, 1.0, 0.1),
            (error(taud.Unavailable), 1, 10, 0.0, 0.05),
            (error(taud.Unavailable), 3, 10, 1.0, 0.4),
            (error(taud.Unavailable), 4, 10, 1.0, None),
            (error(taud.Unavailable), 1, 0.09, 1.0, None),
            (error(taud.Unavailable, 3.0), 1, 10, 0.0, 3.0),
            (error(taud.Overloaded, 3.0), 1, 10, 0.0, 3.0),
            (error(taud.Overloaded, 3.0), 1, 2, 0.0, None),
            (error(taud.Overloaded), 1, 10, 0.0, None),
            (error(taud.InvalidArgument, 1.0), 1, 10, 0.0, None),
            (error(taud.DeadlineExceeded), 1, 10, 0.0, None),
        )
        for failure, attempt, left, chance, expected in cases:
            with self.subTest(failure=type(failure), attempt=attempt,
                              left=left):
                self.assertEqual(
                    policy.delay(failure, attempt, left, chance), expected)

    def test_the_wait_grows_no_further_than_most(self):
        policy = taud.Retry(first=0.1, most=0.5)
        self.assertEqual(
            policy.delay(error(taud.Unavailable), 99, 10, 1.0), 0.5)


class InteractionTest(unittest.TestCase):
    def test_times_and_kinds(self):
        when = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
        message = interactions.to_proto(
            taud.Interaction("u", "i", kind="purchase", time=when, weight=2))
        self.assertEqual(message.time_ms, 1767312000000)
        self.assertEqual(message.kind, 4)
        self.assertEqual(message.weight, 2)
        self.assertEqual(interactions.to_proto(("u", "i")).kind, 1)

    def test_what_cannot_be_meant(self):
        with self.assertRaisesRegex(ValueError, "kind: 'veiw' is none of view"):
            interactions.to_proto(taud.Interaction("u", "i", kind="veiw"))
        with self.assertRaisesRegex(ValueError, "time: .* no time zone"):
            interactions.to_proto(taud.Interaction(
                "u", "i", time=datetime.datetime(2026, 1, 2)))


def two_tastes():
    """Even users like even items."""
    return [(f"u{user}", f"i{(7 * user + 11 * turn) % 40 * 2 + user % 2}")
            for turn in range(10) for user in range(60)]


class DaemonTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="taud-client-")
        cls.daemon = DaemonProcess(BINARY, cls.directory.name)
        cls.client = taud.Client(cls.daemon.address, timeout=60)
        cls.client.wait_until_learnt(cls.client.write(two_tastes()))

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        code = cls.daemon.stop()
        cls.directory.cleanup()
        assert code == 0, code

    def test_recommend(self):
        answer = self.client.recommend("u4", k=5)
        self.assertEqual(len(answer), 5)
        self.assertIn(answer.representation, ("trained", "folded_in"))
        self.assertGreater(answer.snapshot, 0)
        self.assertEqual([i.id for i in answer], answer.ids)

    def test_own_writes_are_read(self):
        item = self.client.recommend("u5", k=1).ids[0]
        sequence = self.client.write(
            [taud.Interaction("u5", item, kind="like")])
        after = self.client.recommend("u5", k=10, after_sequence=sequence)
        self.assertNotIn(item, after.ids)

    def test_a_context_and_a_filter(self):
        self.client.upsert_items([taud.Item(id="i1", title="Één",
                                            tags=["new"])])
        answer = self.client.recommend(
            context=["i3"], k=10, titles=True,
            filter=taud.Filter(any_tags=["new"]))
        self.assertEqual([(i.id, i.title) for i in answer], [("i1", "Één")])
        self.assertEqual(self.client.get_item("i1").item.title, "Één")

    def test_many_users_as_columns(self):
        users = [f"u{n}" for n in range(25)]
        answers = list(self.client.recommend_many(users, k=3, batch=10))
        self.assertEqual([a.user for a in answers], users)
        table = taud.columns(answers)
        self.assertEqual({len(column) for column in table.values()}, {75})
        self.assertEqual(table["rank"][:4], [1, 2, 3, 1])
        self.assertEqual(table["item"][:3], answers[0].ids)

    def test_errors_can_be_read(self):
        with self.assertRaises(taud.InvalidArgument) as raised:
            self.client.recommend("u1", k=0)
        self.assertIn("INVALID_ARGUMENT: k: 0 is not allowed",
                      str(raised.exception))
        self.assertEqual(list(raised.exception.fields), ["k"])
        self.assertIn(raised.exception.request_id, str(raised.exception))
        self.assertTrue(raised.exception.request_id)
        with self.assertRaises(taud.NotFound):
            self.client.get_user("nobody")

    def test_similar_and_status(self):
        self.assertEqual(len(self.client.similar("i10", k=3)), 3)
        self.assertGreater(self.client.status().serving.snapshot_version, 0)

    def test_nobody_there(self):
        with taud.Client("127.0.0.1:1", timeout=0.3) as client:
            with self.assertRaises(taud.Unavailable):
                client.recommend("u1")

    def test_what_a_stream_says_of_bad_interactions(self):
        with self.client.ingest("bad") as stream:
            stream.send([("u1", "i1"), ("", "i1")])
            result = stream.flush()
        self.assertEqual((result.accepted, result.rejected), (1, 1))
        self.assertEqual(
            [(r.position, r.index) for r in result.rejections], [(1, 1)])
        self.assertIn("user_id", result.rejections[0].reason)

    def test_positions_ascend(self):
        with self.client.ingest("ascends") as stream:
            stream.send([("u1", "i1")], position=7)
            with self.assertRaisesRegex(ValueError, "7 is not above"):
                stream.send([("u1", "i1")], position=7)
            stream.flush()
            self.assertEqual(stream.position, 7)
        with self.client.ingest("ascends") as stream:
            self.assertEqual(stream.position, 7)


class CrashTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="taud-crash-")
        self.addCleanup(directory.cleanup)
        self.data = directory.name

    def stored(self):
        """(user, item) of the log, in its order."""
        out = subprocess.run([TAUCTL, "export", self.data, "-o", "-"],
                             check=True, capture_output=True, text=True).stdout
        return [(e["user_id"], e["item_id"]) for e in map(json.loads,
                                                    out.splitlines())]

    def test_kill_9_of_the_daemon_under_a_stream(self):
        daemon = DaemonProcess(BINARY, self.data)
        port = daemon.grpc_port
        sent, stop = [], threading.Event()

        def produce(stream):
            while not stop.is_set():
                batch = [(f"u{n % 50}", f"i{n}")
                         for n in range(len(sent), len(sent) + 20)]
                stream.send(batch)
                sent.extend(batch)

        with taud.Client(daemon.address) as client, \
                client.ingest("crash", max_unacknowledged=400) as stream:
            producer = threading.Thread(target=produce, args=(stream,))
            producer.start()
            for _ in range(CYCLES):
                # Something is under way when it ends.
                before = stream.position
                while stream.position < before + 10:
                    time.sleep(0.001)
                daemon.kill()
                daemon = DaemonProcess(BINARY, self.data, grpc_port=port)
            stop.set()
            producer.join()
            result = stream.flush()
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(self.stored(), sent)
        self.assertEqual(result.accepted + result.duplicates, len(sent))

    def test_a_call_outlives_a_restart(self):
        daemon = DaemonProcess(BINARY, self.data)
        port = daemon.grpc_port
        with taud.Client(daemon.address, timeout=60) as client:
            client.wait_until_learnt(client.write(two_tastes()))
            self.assertEqual(daemon.stop(), 0)
            answers = []
            caller = threading.Thread(
                target=lambda: answers.append(client.recommend("u1", k=3)))
            caller.start()
            daemon = DaemonProcess(BINARY, self.data, grpc_port=port)
            caller.join()
            self.assertEqual(len(answers[0]), 3)
        self.assertEqual(daemon.stop(), 0)

    def test_a_stream_gives_up(self):
        daemon = DaemonProcess(BINARY, self.data)
        with taud.Client(daemon.address) as client:
            stream = client.ingest("gives up", give_up_after=0.5)
            stream.send([("u1", "i1")])
            stream.flush()
            daemon.kill()
            stream.send([("u1", "i2")])
            with self.assertRaises(taud.DeadlineExceeded):
                stream.flush(timeout=0.01)
            with self.assertRaises(taud.Unavailable):
                stream.close()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
