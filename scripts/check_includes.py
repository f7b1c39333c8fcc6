#!/usr/bin/env python3
"""Checks which room includes which.

The table is that of docs/architecture.md. A room may include itself and the
rooms listed; LibTorch's headers may be included in trainer/ and lab/ only,
and by no header that another room includes.
"""
import os
import re
import subprocess
import sys

MAY_INCLUDE = {
    "model": {"proto"},
    "store": {"model"},
    "trainer": {"model"},
    "index": {"model"},
    "lab": {"model", "trainer", "index"},
    "server": {"proto", "model", "store", "trainer", "index", "lab"},
    "cli": {"proto", "lab", "model", "store"},
}
EVERYTHING = {"tests", "bench"}
TORCH_ROOMS = {"trainer", "lab"}
# What of each library only one room may know.
LIBRARIES = {
    "rocksdb/": {"store"},
    "faiss/": {"index"},
    "grpcpp/": {"server", "cli"},
    "torch/": TORCH_ROOMS,
    "ATen/": TORCH_ROOMS,
    "c10/": TORCH_ROOMS,
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def room_of(path):
    first = path.split("/")[0]
    return "proto" if path.startswith("taud/") else first


def includes(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1)


def torch_headers(files):
    """Our headers that include LibTorch, directly or through others."""
    direct = {p: [i for _, i in includes(p)] for p in files if p.endswith(".h")}
    tainted = {p for p, inc in direct.items()
               if any(i.startswith(("torch/", "ATen/", "c10/")) for i in inc)}
    while True:
        more = {p for p, inc in direct.items()
                if p not in tainted and any(i in tainted for i in inc)}
        if not more:
            return tainted
        tainted |= more


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    listed = subprocess.run(["git", "ls-files", "--cached", "--others",
                             "--exclude-standard", "*.cc", "*.h"],
                            check=True, capture_output=True, text=True)
    files = [f for f in listed.stdout.split() if os.path.exists(f)]
    tainted = torch_headers(files)
    faults = []
    for path in files:
        room = room_of(path)
        for number, included in includes(path):
            target = room_of(included)
            where = f"{path}:{number}"
            known = target == "proto" or target in MAY_INCLUDE
            if room in MAY_INCLUDE:
                if known and target != room and target not in MAY_INCLUDE[room]:
                    faults.append(f"{where}: {room} may not include {target}")
                if target in EVERYTHING:
                    faults.append(f"{where}: {room} may not include {target}")
                for prefix, rooms in LIBRARIES.items():
                    if included.startswith(prefix) and room not in rooms:
                        faults.append(f"{where}: {room} may not include "
                                      f"{prefix} (only {sorted(rooms)})")
                if included in tainted and room not in TORCH_ROOMS:
                    faults.append(f"{where}: {included} includes LibTorch")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
