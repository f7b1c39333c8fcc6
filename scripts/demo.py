#!/usr/bin/env python3
"""The main job, end to end: starts taud, feeds it, shows what it recommends.

usage: demo.py BIN_DIR [--once]

Feeds MovieLens (ml-latest-small in $TAUD_DATA or ../shared/data) if it is
there, else the built-in simulator. With --once everything is checked, the
daemon is stopped, and the exit status says whether every step worked; without,
the daemon goes on until Ctrl-C, on the data directory of configs/taud.yaml.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

WAIT_SECONDS = 150
POLL_SECONDS = 0.2


class Failed(Exception):
    pass


def say(text):
    print(f"\n\033[1m==> {text}\033[0m" if sys.stdout.isatty()
          else f"\n==> {text}", flush=True)


def find_movielens(root):
    places = [os.environ.get("TAUD_DATA"),
              os.path.join(root, "..", "shared", "data")]
    for place in filter(None, places):
        folder = os.path.join(place, "ml-latest-small")
        if os.path.exists(os.path.join(folder, "ratings.csv")):
            return os.path.abspath(folder)
    return None


class Daemon:
    """taud as a child process; its log goes to a file."""

    def __init__(self, binary, root, once):
        self.directory = tempfile.mkdtemp(prefix="taud-demo-")
        self.log = os.path.join(self.directory, "taud.log")
        arguments = [binary, "--config",
                     os.path.join(root, "configs", "taud.yaml")]
        if once:
            arguments += ["--data-dir", os.path.join(self.directory, "data"),
                          "--grpc-address", "127.0.0.1:0",
                          "--http-address", "127.0.0.1:0"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(arguments, stderr=log,
                                            stdout=log, cwd=root)
        ports = self.wait_for(
            r"listening grpc_port=(\d+) http_port=(\d+)", "to listen")
        self.grpc = f"127.0.0.1:{ports.group(1)}"
        self.http = f"127.0.0.1:{ports.group(2)}"
        self.wait_for(r" serving", "to read its log")

    def wait_for(self, pattern, what):
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                text = log.read()
            found = re.search(pattern, text)
            if found:
                return found
            if self.process.poll() is not None:
                raise Failed(f"taud stopped while waiting {what}:\n{text}")
            time.sleep(POLL_SECONDS)
        raise Failed(f"waited {WAIT_SECONDS} s for taud {what}; "
                     f"its log is {self.log}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        if code != 0:
            raise Failed(f"taud ended with {code}; its log is {self.log}")


class Client:
    def __init__(self, binary, server):
        self.command = [binary, "--server", server]

    def show(self, *arguments, source=None):
        self.run(arguments, capture=False, source=source)

    def ask(self, *arguments):
        return json.loads(self.run(("--json",) + arguments, capture=True))

    def run(self, arguments, capture, source=None):
        done = subprocess.run(self.command + list(arguments), check=False,
                              stdin=source,
                              stdout=subprocess.PIPE if capture else None,
                              text=True)
        if done.returncode != 0:
            raise Failed(f"tauctl {' '.join(arguments)} failed")
        return done.stdout

    def wait_trained(self, sequence):
        """Until the serving snapshot has learnt everything up to sequence."""
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end:
            status = self.ask("status")
            if int(status["serving"]["snapshot_trained_through"]) >= sequence:
                return status
            if status["trainer"]["state"] == "failed":
                raise Failed("the trainer failed: "
                             + status["trainer"]["error"])
            time.sleep(POLL_SECONDS)
        raise Failed(f"no snapshot trained through {sequence} in "
                     f"{WAIT_SECONDS} s")

    def wait_settled(self, epochs):
        """Until the model has gone over its data a few times."""
        end = time.monotonic() + WAIT_SECONDS / 5
        while time.monotonic() < end:
            status = self.ask("status")
            if (status["trainer"]["epochs"] >= epochs
                    or status["trainer"]["state"] == "idle"):
                return
            time.sleep(POLL_SECONDS)

    def sequence(self):
        return int(self.ask("status")["log"]["last_sequence"])

    def recommend(self, user, k):
        answer = self.ask("recommend", user, "-k", str(k))
        return answer["representation"], [i["id"] for i in answer["items"]]


def check(condition, what):
    if not condition:
        raise Failed(f"check failed: {what}")


def feed(client, movielens):
    if movielens:
        say(f"feeding MovieLens from {movielens}")
        client.show("items", "upsert", os.path.join(movielens, "movies.csv"))
        # From standard input: no note is left beside data that may be shared.
        with open(os.path.join(movielens, "ratings.csv"), "rb") as ratings:
            client.show("ingest", "-", source=ratings)
        return ["1", "68", "414"]
    say("no MovieLens data at $TAUD_DATA or ../shared/data: feeding the "
        "simulator")
    client.show("simulate", "--interactions", "60000")
    return ["user-1", "user-2", "user-3"]


def interact(client, user, items, directory):
    path = os.path.join(directory, "new.jsonl")
    with open(path, "w", encoding="utf-8") as file:
        for item in items:
            file.write(json.dumps({"user": user, "item": item,
                                   "kind": "like"}) + "\n")
    client.run(("ingest", path), capture=True)


def demonstrate(client, users, directory):
    for user in users:
        say(f"what taud recommends to {user}")
        client.show("recommend", user, "-k", "5")

    user = users[0]
    _, before = client.recommend(user, 20)
    check(len(before) == 20, f"20 items for {user}, got {len(before)}")
    liked = before[10:13]
    say(f"{user} now likes {', '.join(liked)}: at once, before any training")
    interact(client, user, liked, directory)
    client.show("recommend", user, "-k", "5")
    how, after = client.recommend(user, 20)
    check(how == "REPRESENTATION_FOLDED_IN", f"folded in, was {how}")
    check(not set(liked) & set(after), "a seen item came back")
    check(after != before, "the new interactions changed nothing")

    say("the same after the model has learnt from them")
    client.wait_trained(client.sequence())
    client.show("recommend", user, "-k", "5")
    how, trained = client.recommend(user, 20)
    check(how == "REPRESENTATION_TRAINED", f"trained, was {how}")
    check(not set(liked) & set(trained), "a seen item came back")

    say("items similar to " + liked[0])
    client.show("similar", liked[0], "-k", "5")
    say("someone taud has never seen gets what is popular")
    client.show("recommend", "a stranger", "-k", "5")
    how, _ = client.recommend("a stranger", 5)
    check(how == "REPRESENTATION_POPULAR", f"popular, was {how}")


def main():
    once = "--once" in sys.argv[2:]
    unknown = [a for a in sys.argv[2:] if a != "--once"]
    if len(sys.argv) < 2 or unknown:
        print(__doc__, file=sys.stderr)
        return 2
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    binaries = os.path.abspath(sys.argv[1])
    say("starting taud")
    daemon = Daemon(os.path.join(binaries, "taud"), root, once)
    try:
        client = Client(os.path.join(binaries, "tauctl"), daemon.grpc)
        movielens = find_movielens(root)
        if client.sequence() == 0:
            users = feed(client, movielens)
        else:
            say("the data directory has interactions already: going on")
            users = ["1", "68", "414"] if movielens else ["user-1", "user-2"]
        say("learning")
        client.wait_trained(client.sequence())
        client.wait_settled(epochs=20)
        demonstrate(client, users, daemon.directory)
        say("the state of the daemon")
        client.show("status")
        if once:
            daemon.stop()
            say("every step worked")
            return 0
        say("taud goes on until Ctrl-C")
        print(f"gRPC     {daemon.grpc}   (tauctl --server {daemon.grpc} …)\n"
              f"page     http://{daemon.http}/\n"
              f"metrics  http://{daemon.http}/metrics\n"
              f"status   http://{daemon.http}/v1/status\n"
              f"log      {daemon.log}", flush=True)
        daemon.process.wait()
        return 0
    except KeyboardInterrupt:
        say("stopping")
        daemon.process.wait()
        return 0
    except (Failed, OSError, subprocess.SubprocessError) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        if daemon.process.poll() is None:
            daemon.process.kill()
            daemon.process.wait()
        return 1


if __name__ == "__main__":
    sys.exit(main())
