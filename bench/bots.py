#!/usr/bin/env python3
"""What a thousand bots on one new item do to everybody's lists: the share of all
top tens that hold it, and Recall@20 of who is real, before, at once and after
it was learnt.

usage: bots.py BUILD_DIR TRAIN TEST [EPOCHS [BOTS]]

TRAIN and TEST have a line a user: its number, then those of its items. The model
learns TRAIN for EPOCHS (30) before anything is measured, and what bots sent for
four more.
"""
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

BUILD = pathlib.Path(sys.argv[1])
EPOCHS = float(sys.argv[4]) if len(sys.argv) > 4 else 30
MORE_EPOCHS = 4
BOTS = int(sys.argv[5]) if len(sys.argv) > 5 else 1000
sys.path.insert(0, str(BUILD / "python_stubs"))
import grpc  # noqa: E402
from taud.v1 import ingestion_service_pb2 as ingestion  # noqa: E402
from taud.v1 import ingestion_service_pb2_grpc as ingestion_grpc  # noqa: E402
from taud.v1 import model_service_pb2 as model_service  # noqa: E402
from taud.v1 import model_service_pb2_grpc as model_grpc  # noqa: E402
from taud.v1 import recommendation_service_pb2 as recommendation  # noqa: E402
from taud.v1 import recommendation_service_pb2_grpc as recommendation_grpc  # noqa: E402

CHUNK = 500


def read(path):
    lines = (line.split() for line in open(path))
    return {"u" + one[0]: ["i" + item for item in one[1:]]
            for one in lines if len(one) > 1}


class Daemon:
    def __init__(self, directory):
        log = directory / "log"
        self.process = subprocess.Popen(
            [BUILD / "bin" / "taud", "--data-dir", directory / "data",
             "--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"],
            stderr=open(log, "w"))
        while not re.search(r"grpc_port=(\d+)", log.read_text()):
            if self.process.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.1)
        port = re.search(r"grpc_port=(\d+)", log.read_text())[1]
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.writer = ingestion_grpc.IngestionServiceStub(channel)
        self.model = model_grpc.ModelServiceStub(channel)
        self.asker = recommendation_grpc.RecommendationServiceStub(channel)

    def write(self, pairs, weight=1.0):
        for begin in range(0, len(pairs), 5000):
            request = ingestion.WriteInteractionsRequest()
            for user, item in pairs[begin:begin + 5000]:
                request.interactions.add(user_id=user, item_id=item,
                                         weight=weight)
            self.writer.WriteInteractions(request, timeout=60)

    def learn(self, epochs):
        """Until so much more is learnt, or all that there is, and serves."""
        def trainer():
            return self.model.GetStatus(
                model_service.GetStatusRequest()).trainer
        now = trainer()
        goal = now.epochs + epochs
        while now.epochs < goal and (now.state != "idle" or now.backlog > 0):
            if now.state == "failed":
                sys.exit(f"the trainer failed: {now.error}")
            time.sleep(0.5)
            now = trainer()
        self.model.Publish(model_service.PublishRequest(), timeout=60)

    def end(self):
        self.process.kill()
        self.process.wait()

    def lists(self, users, k):
        for begin in range(0, len(users), CHUNK):
            chunk = users[begin:begin + CHUNK]
            answer = self.asker.RecommendBatch(
                recommendation.RecommendBatchRequest(user_ids=chunk, k=k),
                timeout=60)
            for user, one in zip(chunk, answer.responses):
                yield user, [item.id for item in one.items]


def measure(daemon, train, test, target):
    held = sum(target in items for _, items in daemon.lists(list(train), 10))
    recalls = [len(set(items) & set(test[user])) / len(test[user])
               for user, items in daemon.lists(list(test), 20)]
    return held / len(train), sum(recalls) / len(recalls)


def nobody(_train, _draw, _target):
    return []


def alone(_train, _draw, target):
    return [target]


def copies(train, draw, target):
    items = train[draw.choice(list(train))]
    return draw.sample(items, min(20, len(items))) + [target]


# What each bot sends, and with which weight. The first says what time alone
# changes, for the model goes on learning.
KINDS = (("nothing", nobody, 1),
         ("the item alone", alone, 1),
         ("the item alone", alone, 100),
         ("twenty items of a real user, then the item", copies, 1),
         ("twenty items of a real user, then the item", copies, 100))


def send(daemon, train, number, kind, weight):
    """A thousand bots of a kind; the item that they push."""
    target = f"target{number}"
    draw = random.Random(number)
    sent = [(f"bot{number}-{bot}", item) for bot in range(BOTS)
            for item in kind(train, draw, target)]
    daemon.write(sent, weight)
    return target


def compare(daemon, train, test):
    print("| bots send | weight | top tens with it: at once, learnt "
          "| Recall@20 before, at once, learnt |")
    print("|---|---|---|---|")
    for number, (name, kind, weight) in enumerate(KINDS):
        before = measure(daemon, train, test, "")
        target = send(daemon, train, number, kind, weight)
        at_once = measure(daemon, train, test, target)
        daemon.learn(MORE_EPOCHS)
        learnt = measure(daemon, train, test, target)
        print(f"| {name} | {weight} | {at_once[0]:.1%}, {learnt[0]:.1%} "
              f"| {before[1]:.4f}, {at_once[1]:.4f}, {learnt[1]:.4f} |",
              flush=True)


def main():
    train, test = read(sys.argv[2]), read(sys.argv[3])
    pairs = [(user, item) for user, items in train.items() for item in items]
    random.Random(1).shuffle(pairs)
    with tempfile.TemporaryDirectory() as name:
        daemon = Daemon(pathlib.Path(name))
        try:
            daemon.write(pairs)
            daemon.learn(EPOCHS)
            print(f"{len(train)} users, {len(pairs)} pairs, {BOTS} bots, "
                  f"{os.cpu_count()} processors")
            compare(daemon, train, test)
        finally:
            daemon.end()


if __name__ == "__main__":
    main()
