#!/usr/bin/env python3
"""Checks which room includes which.

The tables are those of docs/architecture.md. A room may include itself and the
rooms listed. A room within a room may include what the room outside may, and
of its neighbours those listed. LibTorch's headers may be included in
trainer/tensor/ only, and by no header that another room includes.
"""
import os
import re
import sys

MAY_INCLUDE = {
    "auth": set(),
    "model": {"proto"},
    "query": {"model"},
    "store": {"model"},
    "device": set(),
    "trainer": {"device", "model", "query"},
    "index": {"device", "model"},
    "lab": {"device", "model", "query", "trainer", "index"},
    "server": {"proto", "auth", "device", "model", "query", "store", "trainer",
               "index", "lab"},
    "cli": {"proto", "auth", "lab", "model", "store"},
}
# The rooms within a room, each with the neighbours that it may include. "."
# are the files that lie in the room outside itself. Doors lead one way: a room
# stands below the rooms that list it.
INNER = {
    "store": {
        "files": set(),
        "log": {"files"},
        ".": {"files", "log"},
    },
    "trainer": {
        "kernels": set(),
        "temperature": {"kernels"},
        "sampling": set(),
        "evaluation": {"kernels"},
        "neighbours": {"kernels", "sampling"},
        "mf": {"kernels", "temperature"},
        "offline": {"kernels", "temperature", "sampling", "mf"},
        "graph": {"kernels", "temperature", "offline"},
        "cuda": {"kernels", "temperature", "mf", "offline", "graph"},
        "tensor": {"kernels", "sampling", "mf", "offline", "graph"},
        "online": {"kernels", "temperature", "sampling", "evaluation",
                   "neighbours", "mf", "cuda"},
    },
    "index": {
        ".": set(),
        "gpu": {"."},
        "builder": {".", "gpu"},
    },
    "server": {
        "rpc": set(),
        "serving": {"rpc"},
        "admission": {"rpc", "serving"},
        "observe": {"rpc", "serving"},
        "quality": {"rpc", "serving"},
        "audit": {"rpc", "serving", "observe"},
        "lifecycle": {"rpc", "serving", "observe", "quality"},
        "api": {"rpc", "serving", "admission", "observe", "audit", "quality",
                "lifecycle"},
        ".": {"rpc", "serving", "admission", "observe", "audit", "quality",
              "lifecycle", "api"},
    },
    "cli": {
        "terminal": set(),
        "client": set(),
        "files": {"terminal"},
        "commands": {"terminal", "client", "files"},
        "bench": {"terminal", "client"},
        "lab": {"terminal", "client", "files"},
        ".": {"terminal", "client", "files", "commands", "bench", "lab"},
    },
}
EVERYTHING = {"tests", "bench"}
TORCH_ROOM = "trainer/tensor"
# What of each library only one room may know.
LIBRARIES = {
    "rocksdb/": {"store"},
    "faiss/": {"index"},
    "grpcpp/": {"server", "cli"},
    "rhonabwy.h": {"auth"},
    "torch/": {TORCH_ROOM},
    "ATen/": {TORCH_ROOM},
    "c10/": {TORCH_ROOM},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def room_of(path):
    first = path.split("/")[0]
    return "proto" if path.startswith("taud/") else first


def inner_room_of(path):
    """The room within path's room; deeper folders belong to it."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else "."


def includes(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if match:
                yield number, match.group(1)


def sources():
    for room in MAY_INCLUDE:
        for folder, _, names in os.walk(room):
            for name in sorted(names):
                if name.endswith((".cc", ".h", ".cu", ".cuh")):
                    yield f"{folder}/{name}"


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


def two_way_doors():
    """The rooms of each table that can be reached from themselves."""
    for outside, doors in [("", MAY_INCLUDE)] + list(INNER.items()):
        below = {room: set(rooms) for room, rooms in doors.items()}
        for _ in doors:
            for room in below:
                for other in set(below[room]):
                    below[room] |= below.get(other, set())
        for room in below:
            if room in below[room]:
                yield f"{outside}: {room} stands below itself"


def unlisted_rooms(files):
    """The rooms within a room that the table does not have."""
    for path in files:
        outside, inside = room_of(path), inner_room_of(path)
        if inside not in INNER.get(outside, {".": set()}):
            yield f"{path}: {outside}/{inside} is not in the table INNER"


def passes_inner_door(path, included):
    """Whether the path may include the other file of its room."""
    source, target = inner_room_of(path), inner_room_of(included)
    return (source == target or
            target in INNER.get(room_of(path), {}).get(source, set()))


def main():
    os.chdir(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    files = list(sources())
    tainted = torch_headers(files)
    faults = list(two_way_doors()) + sorted(set(unlisted_rooms(files)))
    for path in files:
        room = room_of(path)
        rooms = {room, f"{room}/{inner_room_of(path)}"}
        for number, included in includes(path):
            target = room_of(included)
            where = f"{path}:{number}"
            known = target == "proto" or target in MAY_INCLUDE
            if target == room:
                if not passes_inner_door(path, included):
                    faults.append(f"{where}: {room}/{inner_room_of(path)} may "
                                  f"not include {included}")
            elif known and target not in MAY_INCLUDE[room]:
                faults.append(f"{where}: {room} may not include {target}")
            if target in EVERYTHING:
                faults.append(f"{where}: {room} may not include {target}")
            for prefix, allowed in LIBRARIES.items():
                if included.startswith(prefix) and not rooms & allowed:
                    faults.append(f"{where}: {room} may not include "
                                  f"{prefix} (only {sorted(allowed)})")
            if included in tainted and TORCH_ROOM not in rooms:
                faults.append(f"{where}: {included} includes LibTorch")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
