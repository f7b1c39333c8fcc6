#!/usr/bin/env python3
"""What a well-behaved client feels while others misbehave: p99 of its Recommend
calls, one after the other, before, during and after each attack, and the memory
of the daemon.

usage: attacks.py BUILD_DIR [SECONDS] [--proxy] [ATTACK …]
--proxy: through HAProxy as it is shipped, over TLS, the attacks that frames are put
together for: resets and continuations. They come from another address than the caller.
"""
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types

PROXY = "--proxy" in sys.argv
WORDS = [word for word in sys.argv[1:] if word != "--proxy"]
BUILD = pathlib.Path(WORDS[0])
SECONDS = float(WORDS[1]) if len(WORDS) > 1 else 5
WANTED = WORDS[2:]
ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(BUILD / "python_stubs"), str(ROOT / "tests" / "deploy")]
import grpc  # noqa: E402
import raw_http2  # noqa: E402
from proxy_process import ProxyProcess  # noqa: E402
from taud.v1 import catalog_service_pb2 as catalog  # noqa: E402
from taud.v1 import catalog_service_pb2_grpc as catalog_grpc  # noqa: E402
from taud.v1 import ingestion_service_pb2 as ingestion  # noqa: E402
from taud.v1 import ingestion_service_pb2_grpc as ingestion_grpc  # noqa: E402
from taud.v1 import recommendation_service_pb2 as recommendation  # noqa: E402
from taud.v1 import recommendation_service_pb2_grpc as recommendation_grpc  # noqa: E402

RECOMMEND = b"/taud.v1.RecommendationService/Recommend"
ATTACKER = "127.0.0.2"  # bounds are by address


def open_to(port, first=b""):
    connection = socket.create_connection(("127.0.0.1", port), timeout=2)
    if first:
        connection.sendall(first)
    return connection


def channel_to(world):
    address = f"127.0.0.1:{world.grpc}"
    if world.ca is None:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(
        pathlib.Path(world.ca).read_bytes()))


def busy(_world, _stop):
    """No attack: two other programs that only count."""
    subprocess.run(["timeout", str(SECONDS + 2), "sh", "-c",
                    "while :; do :; done"], check=False)


def churn(world, stop):
    """Connections opened and closed at once."""
    while not stop.is_set():
        open_to(world.grpc).close()


def hold(world, stop):
    """Connections that are held and say nothing."""
    held = []
    while not stop.is_set():
        if len(held) < 3000:
            held.append(open_to(world.grpc))
        else:
            stop.wait(0.1)


def pings(world, stop):
    """Pings on one connection after the other."""
    while not stop.is_set():
        connection = open_to(world.grpc, raw_http2.PREFACE)
        for _ in range(100):
            connection.sendall((b"\0\0\x08\6\0\0\0\0\0" + bytes(8)) * 20)


def resets(world, stop):
    """Streams that are opened and reset at once."""
    with raw_http2.connect(world.grpc, world.ca, ATTACKER) as connection:
        for stream in range(1, 4001, 2):
            if stop.is_set():
                return
            connection.sendall(raw_http2.opened_and_reset(RECOMMEND, stream))


def continuations(world, stop):
    """Headers that do not end, 200 MiB on a connection."""
    with raw_http2.connect(world.grpc, world.ca, ATTACKER) as connection:
        for part in raw_http2.continuations(RECOMMEND, 200 * 64):
            if stop.is_set():
                return
            connection.sendall(part)


def slow_heads(world, stop):
    """HTTP requests that come a byte at a time."""
    while not stop.is_set():
        held = [open_to(world.http, b"GET /healthz HTTP/1.1\r\nA: ")
                for _ in range(200)]
        for connection in held:
            connection.sendall(b"x")
        stop.wait(0.2)


def strangers(world, stop):
    """New users, a hundred thousand a second if they are taken."""
    stub = ingestion_grpc.IngestionServiceStub(channel_to(world))
    number = 0
    while not stop.is_set():
        request = ingestion.WriteInteractionsRequest()
        for _ in range(1000):
            number += 1
            request.interactions.add(user_id=f"stranger{number}", item_id="i1")
        stub.WriteInteractions(request)


def tags(world, stop):
    """Items with tags that nobody has."""
    stub = catalog_grpc.CatalogServiceStub(channel_to(world))
    number = 0
    while not stop.is_set():
        request = catalog.UpsertItemsRequest()
        for _ in range(100):
            number += 1
            request.items.add(id=f"i{number % 1000}",
                              tags=[f"t{number}-{t}" for t in range(20)])
        stub.UpsertItems(request)


def unread(world, stop):
    """Answers that nobody reads."""
    while not stop.is_set():
        channel = grpc.insecure_channel(
            f"127.0.0.1:{world.grpc}",
            options=[("grpc.http2.lookahead_bytes", 0)])
        stub = recommendation_grpc.RecommendationServiceStub(channel)
        request = recommendation.RecommendBatchRequest(
            user_ids=[f"u{u}" for u in range(500)], k=20)
        calls = [stub.RecommendBatch.future(request) for _ in range(20)]
        stop.wait(0.5)
        for call in calls:
            call.cancel()
        channel.close()


def wrong_tokens(world, stop):
    """Calls with tokens that are guessed."""
    stub = recommendation_grpc.RecommendationServiceStub(channel_to(world))
    while not stop.is_set():
        try:
            stub.Recommend(recommendation.RecommendRequest(user_id="u1", k=5),
                           metadata=[("authorization", "Bearer guess")])
        except grpc.RpcError:
            pass


ATTACKS = [busy, churn, hold, pings, resets, continuations, slow_heads, strangers,
           tags, unread, wrong_tokens]
FOR_A_PROXY = [resets, continuations]


class World:
    """A daemon, and with --proxy what stands before it: `grpc` is where clients come in,
    `ca` who vouches for it, None in the clear."""

    def __init__(self, directory):
        self.log = directory / "log"
        self.process = subprocess.Popen(
            [BUILD / "bin" / "taud", "--data-dir", directory / "data",
             "--synthetic", "users=10000,items=10000,seen=20",
             "--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0",
             "--set", "store.max_users=20000",
             *(["--set", "server.max_connections_per_host=0",
                "--set", "server.max_new_connections_per_host=0"]
               if PROXY else [])],
            stderr=open(self.log, "w"))
        while " serving" not in self.log.read_text():
            if self.process.poll() is not None:
                sys.exit(self.log.read_text())
            time.sleep(0.1)
        text = self.log.read_text()
        self.grpc = int(re.search(r"grpc_port=(\d+)", text)[1])
        self.http = int(re.search(r"http_port=(\d+)", text)[1])
        self.proxy, self.ca = None, None
        if PROXY:
            self.proxy = ProxyProcess(directory, f"127.0.0.1:{self.grpc}")
            self.grpc, self.ca = self.proxy.port, self.proxy.ca

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def end(self):
        if self.proxy:
            self.proxy.stop()
        self.process.kill()
        self.process.wait()


def bystander(world, channel, seconds):
    """p50 and p99 in milliseconds of calls one after the other, and how many
    failed."""
    stub = recommendation_grpc.RecommendationServiceStub(channel)
    times, failed = [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        try:
            stub.Recommend(recommendation.RecommendRequest(
                user_id=f"u{len(times) % 1000}", k=20), timeout=10)
        except grpc.RpcError:
            failed += 1
        times.append((time.monotonic() - begun) * 1000)
        time.sleep(0.005)
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100], failed


def run(attack, stop, world):
    while not stop.is_set():
        try:
            attack(world, stop)
        except (OSError, grpc.RpcError):
            stop.wait(0.001)  # refused: the next try


def attack_alone(name, grpc_port, http_port, ca=None):
    """In a process of its own: another's interpreter lock would be its own."""
    world = types.SimpleNamespace(grpc=int(grpc_port), http=int(http_port),
                                  ca=ca)
    stop = threading.Event()
    for _ in range(2):
        threading.Thread(target=run, args=(globals()[name], stop, world),
                         daemon=True).start()
    time.sleep(SECONDS + 2)
    os._exit(0)


def main():
    if WANTED[:1] == ["--run"]:
        attack_alone(*WANTED[1:])
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    print("| attack | p50, p99 before | during | ratio of p99 | failed | MiB |")
    print("|---|---|---|---|---|---|")
    for attack in FOR_A_PROXY if PROXY else ATTACKS:
        if WANTED and attack.__name__ not in WANTED:
            continue
        with tempfile.TemporaryDirectory() as name:
            world = World(pathlib.Path(name))
            with channel_to(world) as channel:
                before = bystander(world, channel, SECONDS)
                attacker = subprocess.Popen(
                    [sys.executable, __file__, BUILD, str(SECONDS), "--run",
                     attack.__name__, str(world.grpc), str(world.http),
                     *([str(world.ca)] if world.ca else [])])
                time.sleep(1)
                during = bystander(world, channel, SECONDS)
                memory = world.resident_mib()
                attacker.wait()
            alive = world.process.poll() is None
            print(f"| {attack.__doc__[:-1]} | {before[0]:.2f}, {before[1]:.2f} "
                  f"| {during[0]:.2f}, {during[1]:.2f} "
                  f"| {during[1] / before[1]:.2f} | {during[2]} "
                  f"| {memory:.0f}{'' if alive else ', ENDED'} |", flush=True)
            world.end()


if __name__ == "__main__":
    main()
