#!/usr/bin/env python3
"""What TLS and tokens cost: throughput and latency of Recommend in pairs, one
daemon in the clear and one with TLS 1.3 and a token, asked in turn.

usage: guard_cost.py BUILD_DIR [PAIRS] [SECONDS] [ITEMS]

Prints the geometric mean of guarded / clear, the least and the most of the
pairs, and the median in the clear. With few items the transport is all there is
to a call.
"""
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(sys.argv[1]) / "bin"
PAIRS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SECONDS = sys.argv[3] if len(sys.argv) > 3 else "5"
ITEMS = int(sys.argv[4]) if len(sys.argv) > 4 else 41000
USERS = 10000
SHOWN = [f"{loop}.{figure}" for loop in ("closed", "lone")
         for figure in ("requests_per_second", "p50_ms", "p99_ms")]


def start(directory, name, settings):
    log = directory / f"{name}.log"
    arguments = [BIN / "taud", "--data-dir", directory / name, "--synthetic",
                 f"users={USERS},items={ITEMS},seen=20",
                 "--grpc-address", "127.0.0.1:0",
                 "--http-address", "127.0.0.1:0"]
    for setting in settings:
        arguments += ["--set", setting]
    process = subprocess.Popen(arguments, stderr=open(log, "w"))
    while True:
        text = log.read_text()
        if " serving" in text:
            return process, re.search(r"grpc_port=(\d+)", text)[1]
        if process.poll() is not None:
            sys.exit(text)
        time.sleep(0.1)


def numbers(found, prefix=""):
    """Every number of a JSON object, by its path."""
    if isinstance(found, dict):
        for key, value in found.items():
            yield from numbers(value, f"{prefix}{key}.")
    elif isinstance(found, (int, float)) and not isinstance(found, bool):
        yield prefix[:-1], float(found)


def measure(port, directory, environment):
    result = subprocess.run(
        [BIN / "tauctl", "--json", "--server", f"localhost:{port}", "bench",
         "serve", "--user-file", directory / "users", "--duration", SECONDS,
         "--warm-up", "1"],
        env={**os.environ, **environment}, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    return json.loads(result.stdout)


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", directory / "key", "-out", directory / "crt"],
            check=True, capture_output=True)
        made = subprocess.run(
            [BIN / "tauctl", "token", "new", "--name", "bench", "--roles",
             "recommend,observe"], check=True, capture_output=True, text=True)
        text = made.stdout + made.stderr
        token = re.search(r"taud_[0-9a-f]{12}_\S+", text)[0]
        (directory / "tokens").write_text(re.search(r"\{.*\}", text)[0] + "\n")
        (directory / "users").write_text(
            "".join(f"u{u}\n" for u in range(USERS)))
        clear, clear_port = start(directory, "clear", [])
        guarded, guarded_port = start(
            directory, "guarded",
            [f"tls.certificate_file={directory}/crt",
             f"tls.key_file={directory}/key",
             f"auth.tokens_file={directory}/tokens"])
        try:
            ratios = {}
            for pair in range(PAIRS):
                asked = [
                    ("clear", clear_port, {}),
                    ("guarded", guarded_port,
                     {"TAUD_TOKEN": token, "TAUD_TLS": "1",
                      "TAUD_CA": str(directory / "crt")})]
                # Each is the first in turn.
                found = {name: dict(numbers(measure(port, directory, given)))
                         for name, port, given in
                         (asked if pair % 2 == 0 else asked[::-1])}
                for key, value in found["clear"].items():
                    other = found["guarded"].get(key, 0)
                    if value > 0 and other > 0:
                        ratios.setdefault(key, []).append(
                            (value, other))
            for key in SHOWN:
                pairs = ratios[key]
                logs = [math.log(b / a) for a, b in pairs]
                mean = math.exp(sum(logs) / len(logs))
                print(f"{key}: {mean:.3f} "
                      f"({min(map(math.exp, logs)):.3f} to "
                      f"{max(map(math.exp, logs)):.3f}), clear "
                      f"{sorted(a for a, _ in pairs)[len(pairs) // 2]:.4g}")
        finally:
            clear.terminate()
            guarded.terminate()
            clear.wait()
            guarded.wait()


if __name__ == "__main__":
    main()
