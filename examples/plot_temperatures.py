#!/usr/bin/env python3
# %% What a snapshot knows of its users' temperatures, read from its files.
"""Draws the users' temperatures of a snapshot, over how much each has done.

usage: plot_temperatures.py SNAPSHOT OUT

SNAPSHOT is a folder of DATA_DIR/snapshots, or DATA_DIR/snapshots itself for the
newest; OUT ends in .svg or .png. The `# %%` lines are cells, for an editor that
runs them one by one.

A snapshot is numpy's files: users.npy and items.npy (float32, a unit vector a
row), temperatures.npy (float32), user_degree.npy and item_popularity.npy
(uint32, pairs learnt), and the ids by row, a JSON string a line.
"""
import json
import pathlib
import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot  # noqa: E402

if len(sys.argv) != 3:
    sys.exit(__doc__)
folder = pathlib.Path(sys.argv[1])
if not (folder / "manifest.json").exists():
    versions = [path for path in folder.glob("[0-9]*")
                if (path / "manifest.json").exists()]
    if not versions:
        sys.exit(f"{folder}: no snapshot is here")
    folder = max(versions)

# %% Read. mmap_mode: what is not looked at is not read.
manifest = json.loads((folder / "manifest.json").read_text())
temperatures = np.load(folder / "temperatures.npy", mmap_mode="r")
degree = np.load(folder / "user_degree.npy", mmap_mode="r")
ids = [json.loads(line) for line in open(folder / "user_ids.txt",
                                         encoding="utf-8")]
tau0 = manifest["tau0"]
learnt = np.flatnonzero(degree)
if learnt.size == 0:
    sys.exit(f"{folder}: nobody has been learnt yet")
ratio = temperatures[learnt] / tau0

# %% A table of those at the ends.
order = np.argsort(ratio)
print(f"version {manifest['version']}: {learnt.size} users, τ₀ {tau0:.4f}, "
      f"median τ_u {np.median(temperatures[learnt]):.4f}")
for name, some in (("sharpest", order[:3]), ("flattest", order[:-4:-1])):
    for at in some:
        user = learnt[at]
        print(f"{name}: {ids[user]}: τ_u {temperatures[user]:.4f}, "
              f"{degree[user]} pairs")

# %% Draw.
figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.5))
left.hist(ratio, bins=40)
left.set_xlabel("τ_u / τ₀")
left.set_ylabel("users")
right.scatter(degree[learnt], ratio, s=6)
right.set_xscale("log")
right.set_xlabel("pairs learnt")
right.set_ylabel("τ_u / τ₀")
figure.suptitle(f"Temperatures of version {manifest['version']}")
figure.tight_layout()
figure.savefig(sys.argv[2])
