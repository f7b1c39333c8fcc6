#!/usr/bin/env python3
"""Runs each of examples/ against a real daemon, and looks at what it did.

usage: examples_test.py TAUD_BINARY [CYCLES]
The package `taud`, built, is on PYTHONPATH.
"""
import csv
import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from daemon_process import DaemonProcess  # noqa: E402

import taud  # noqa: E402

BINARY = sys.argv[1]
CYCLES = int(sys.argv[2]) if len(sys.argv) > 2 else 1
TAUCTL = str(pathlib.Path(BINARY).with_name("tauctl"))


def command(name, *arguments):
    return [sys.executable, str(ROOT / "examples" / name),
            *map(str, arguments)]


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="taud-examples-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.data = str(self.directory / "data")

    def run_example(self, name, *arguments):
        result = subprocess.run(command(name, *arguments), timeout=60,
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def write_movies(self):
        with open(self.directory / "movies.csv", "w", encoding="utf-8") as out:
            out.write("movieId,title,genres\n")
            for item in range(60):
                genre = "Odd|Film" if item % 2 else "(no genres listed)"
                out.write(f'{item},"Film {item}, The",{genre}\n')

    def write_ratings(self, users):
        with open(self.directory / "ratings.csv", "w",
                  encoding="utf-8") as out:
            out.write("userId,movieId,rating,timestamp\n")
            for user in range(users):
                for turn in range(10):
                    item = (7 * user + 11 * turn) % 30 * 2 + user % 2
                    rating = 1.0 if turn == 9 else 4.5
                    out.write(f"{user},{item},{rating},1577836800\n")

    def test_import_and_export(self):
        self.write_movies()
        self.write_ratings(users=20)
        users = self.directory / "users.txt"
        users.write_text("".join(f"{u}\n" for u in range(30)))
        table = self.directory / "top20.csv"
        with DaemonProcess(BINARY, self.data) as daemon:
            server = ("--server", daemon.address)
            first = self.run_example("import_movielens.py", self.directory,
                                     *server)
            self.assertEqual(first, "200 ratings written, 0 were there\n")
            # The file grew; what was there is not sent again.
            self.write_ratings(users=30)
            second = self.run_example("import_movielens.py", self.directory,
                                      *server)
            self.assertEqual(second, "100 ratings written, 200 were there\n")
            with taud.Client(daemon.address) as client:
                item = client.get_item("1").item
                self.assertEqual(item.title, "Film 1, The")
                self.assertEqual(set(item.tags), {"Odd", "Film"})
                self.assertEqual(list(client.get_item("2").item.tags), [])
            out = self.run_example("export_top20.py", users, table, *server)
            self.assertEqual(out, f"30 users in {table}\n")
        with open(table, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([(r["user"], r["rank"]) for r in rows],
                         [(str(u), str(rank)) for u in range(30)
                          for rank in range(1, 21)])
        self.assertFalse(pathlib.Path(f"{table}.unfinished").exists())

    @unittest.skipUnless(importlib.util.find_spec("matplotlib"),
                         "SKIPPED: there is no python3-matplotlib")
    def test_temperatures_of_a_snapshot_are_drawn(self):
        self.write_movies()
        self.write_ratings(users=20)
        snapshots = pathlib.Path(self.data) / "snapshots"
        with DaemonProcess(BINARY, self.data) as daemon:
            self.run_example("import_movielens.py", self.directory,
                             "--server", daemon.address)
            with taud.Client(daemon.address) as client:
                while client.status().serving.snapshot_version == 0:
                    time.sleep(0.05)
        drawing = self.directory / "tau.svg"
        out = self.run_example("plot_temperatures.py", snapshots, drawing)
        # What is asked of the .npy files here is asked of the manifest there.
        newest = max(snapshots.glob("[0-9]*"))
        manifest = json.loads((newest / "manifest.json").read_text())
        self.assertIn(f"version {manifest['version']}: 20 users, "
                      f"τ₀ {manifest['tau0']:.4f}", out)
        self.assertEqual(out.count("pairs\n"), 6)
        self.assertIn("</svg>", drawing.read_text(encoding="utf-8"))
        nothing = subprocess.run(
            command("plot_temperatures.py", self.directory, drawing),
            capture_output=True, text=True)
        self.assertIn("no snapshot is here", nothing.stderr)
        self.assertEqual(nothing.returncode, 1)

    def test_the_durable_producer_and_kill_9_of_both_sides(self):
        source = self.directory / "events.txt"
        lines = [f"u{n % 50} i{n}" for n in range(40000)]
        source.write_text("\n".join(lines) + "\n")
        daemon = DaemonProcess(BINARY, self.data)
        port = daemon.grpc_port
        arguments = command("durable_producer.py", source, "--server",
                            daemon.address)
        producer = subprocess.Popen(arguments)
        with taud.Client(daemon.address, timeout=60) as client:
            for cycle in range(CYCLES):
                before = client.status().log.last_sequence
                while client.status().log.last_sequence < before + 200 and (
                        producer.poll() is None):
                    time.sleep(0.001)
                daemon.kill()
                if cycle % 2 == 0:
                    producer.kill()
                    producer.wait()
                daemon = DaemonProcess(BINARY, self.data, grpc_port=port)
                if producer.poll() is not None:
                    producer = subprocess.Popen(arguments)
        self.assertEqual(producer.wait(timeout=120), 0)
        self.assertEqual(daemon.stop(), 0)
        out = subprocess.run([TAUCTL, "export", self.data, "-o", "-"],
                             check=True, capture_output=True, text=True).stdout
        stored = [f'{e["user_id"]} {e["item_id"]}'
                  for e in map(json.loads, out.splitlines())]
        self.assertEqual(stored, lines)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
