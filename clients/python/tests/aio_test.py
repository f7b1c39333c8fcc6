#!/usr/bin/env python3
"""The asyncio twin of the Python client, and columns, against a real daemon.

usage: aio_test.py TAUD_BINARY [CYCLES]
The package `taud`, built, is on PYTHONPATH.
"""
import asyncio
import datetime
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from daemon_process import DaemonProcess  # noqa: E402

import taud  # noqa: E402

BINARY = sys.argv[1]
CYCLES = int(sys.argv[2]) if len(sys.argv) > 2 else 1
TAUCTL = str(pathlib.Path(BINARY).with_name("tauctl"))


def two_tastes():
    """Even users like even items."""
    return [(f"u{user}", f"i{(7 * user + 11 * turn) % 40 * 2 + user % 2}")
            for turn in range(10) for user in range(60)]


class AioTest(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="taud-aio-")
        cls.daemon = DaemonProcess(BINARY, cls.directory.name)
        with taud.Client(cls.daemon.address, timeout=60) as client:
            client.wait_until_learnt(client.write(two_tastes()))

    @classmethod
    def tearDownClass(cls):
        code = cls.daemon.stop()
        cls.directory.cleanup()
        assert code == 0, code

    async def asyncSetUp(self):
        self.client = taud.aio.Client(self.daemon.address, timeout=60)

    async def asyncTearDown(self):
        await self.client.close()

    async def test_every_call(self):
        first = await self.client.recommend("u5", k=1)
        sequence = await self.client.write(
            [taud.Interaction("u5", first.ids[0], kind="like")])
        await self.client.wait_until_learnt(sequence)
        then = await self.client.recommend("u5", after_sequence=sequence)
        self.assertNotIn(first.ids[0], then.ids)
        await self.client.upsert_items([taud.Item(id="i1", title="Één",
                                                  tags=["new"])])
        titled = await self.client.recommend(
            context=["i3"], titles=True, filter=taud.Filter(any_tags=["new"]))
        self.assertEqual([i.title for i in titled], ["Één"])
        self.assertEqual((await self.client.get_item("i1")).item.title, "Één")
        self.assertEqual(len(await self.client.similar("i10", k=3)), 3)
        self.assertEqual((await self.client.get_user("u5")).id, "u5")
        self.assertTrue((await self.client.status()).ready)

    async def test_many_at_a_time(self):
        answers = await asyncio.gather(
            *(self.client.recommend(f"u{n}", k=3) for n in range(60)))
        self.assertEqual([a.user for a in answers],
                         [f"u{n}" for n in range(60)])
        users = [f"u{n}" for n in range(25)]
        many = [a.user async for a in
                self.client.recommend_many(users, k=3, batch=10)]
        self.assertEqual(many, users)

    async def test_errors(self):
        with self.assertRaises(taud.InvalidArgument) as raised:
            await self.client.recommend("u1", k=0)
        self.assertEqual(list(raised.exception.fields), ["k"])
        async with taud.aio.Client("127.0.0.1:1", timeout=0.3) as lonely:
            with self.assertRaises((taud.Unavailable, taud.DeadlineExceeded)):
                await lonely.recommend("u1")

    async def test_a_stream(self):
        async with self.client.ingest("aio", max_unacknowledged=10) as stream:
            self.assertEqual(await stream.position(), 0)
            await asyncio.gather(*(
                stream.send([(f"u{n}", f"i{i}") for i in range(5)])
                for n in range(40)))
            await stream.send([("u1", "i1"), ("", "i1")], position=100)
            with self.assertRaisesRegex(ValueError, "100 is not above"):
                await stream.send([("u1", "i1")], position=100)
            result = await stream.flush()
        self.assertEqual((result.accepted, result.rejected), (201, 1))
        self.assertEqual(result.rejections[0].position, 100)
        with self.assertRaisesRegex(ValueError, "closed"):
            await stream.send([("u1", "i1")])
        async with self.client.ingest("aio") as again:
            self.assertEqual(await again.position(), 100)

    async def test_a_body_that_raises_ends_the_stream(self):
        with self.assertRaises(KeyError):
            async with self.client.ingest("raises") as stream:
                await stream.send([("u1", "i1")])
                raise KeyError


class AioCrashTest(unittest.IsolatedAsyncioTestCase):
    async def test_kill_9_of_the_daemon_under_a_stream(self):
        with tempfile.TemporaryDirectory(prefix="taud-aio-crash-") as data:
            daemon = DaemonProcess(BINARY, data)
            port, sent, stop = daemon.grpc_port, [], False

            async def produce(stream):
                while not stop:
                    batch = [(f"u{n % 50}", f"i{n}")
                             for n in range(len(sent), len(sent) + 20)]
                    await stream.send(batch)
                    sent.extend(batch)

            async with taud.aio.Client(daemon.address) as client, \
                    client.ingest("crash", max_unacknowledged=400) as stream:
                producer = asyncio.create_task(produce(stream))
                for _ in range(CYCLES):
                    before = await stream.position()
                    while await stream.position() < before + 10:
                        await asyncio.sleep(0.001)
                    daemon.kill()
                    daemon = await asyncio.to_thread(
                        DaemonProcess, BINARY, data, grpc_port=port)
                stop = True
                await producer
                result = await stream.flush()
            self.assertEqual(daemon.stop(), 0)
            out = subprocess.run([TAUCTL, "export", data, "-o", "-"],
                                 check=True, capture_output=True,
                                 text=True).stdout
            stored = [(e["user_id"], e["item_id"])
                      for e in map(json.loads, out.splitlines())]
            self.assertEqual(stored, sent)
            self.assertEqual(result.accepted + result.duplicates, len(sent))

    async def test_a_stream_gives_up(self):
        with tempfile.TemporaryDirectory(prefix="taud-aio-") as data:
            daemon = DaemonProcess(BINARY, data)
            async with taud.aio.Client(daemon.address) as client:
                with self.assertRaises(taud.Unavailable):
                    async with client.ingest("gives up",
                                             give_up_after=0.3) as stream:
                        await stream.send([("u1", "i1")])
                        await stream.flush()
                        daemon.kill()
                        await stream.send([("u1", "i2")])
                        await stream.flush()


class ColumnsTest(unittest.TestCase):
    def test_lists(self):
        rows = list(taud.from_columns(
            [1, 2], ["a", "b"], kind=["like", "view"],
            time=[1767312000.0, datetime.datetime(
                2026, 1, 2, tzinfo=datetime.timezone.utc)],
            weight=[2, 3], event_id=["x", "y"]))
        when = datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)
        self.assertEqual(rows, [
            taud.Interaction("1", "a", "like", when, 2.0, "x"),
            taud.Interaction("2", "b", "view", when, 3.0, "y")])
        with self.assertRaisesRegex(ValueError, "item: has 1 rows"):
            list(taud.from_columns(["u", "v"], ["i"]))

    @unittest.skipUnless(importlib.util.find_spec("numpy"), "no NumPy")
    def test_arrays(self):
        import numpy
        rows = list(taud.from_columns(
            numpy.array([7, 8]), numpy.array(["a", "b"]),
            time=numpy.array([1767312000, 1767312001]),
            weight=numpy.array([0.5, 1.0])))
        self.assertEqual([(r.user, r.item, r.weight) for r in rows],
                         [("7", "a", 0.5), ("8", "b", 1.0)])

    @unittest.skipUnless(importlib.util.find_spec("pandas"), "no pandas")
    def test_a_frame_there_and_back(self):
        import pandas
        frame = pandas.DataFrame({
            "user": ["u", "v"], "item": ["a", "b"],
            "at": pandas.to_datetime([1767312000, 1767312001], unit="s",
                                     utc=True)})
        rows = list(taud.from_columns(frame.user, frame.item, time=frame["at"]))
        self.assertEqual(rows[0].time.timestamp(), 1767312000)
        item = taud.v1.types_pb2.ScoredItem(id="a", score=0.5)
        answer = taud.Recommendations("u", [item, item], "trained", 1, 2, 0.5,
                                      "")
        table = pandas.DataFrame(taud.columns([answer]))
        self.assertEqual(list(table["rank"]), [1, 2])
        self.assertEqual(list(table["score"]), [0.5, 0.5])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
