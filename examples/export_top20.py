#!/usr/bin/env python3
"""Writes everybody's top 20 as CSV: user, rank, item, score, probability.

usage: export_top20.py USERS OUT [--server HOST:PORT] [-k 20]

USERS has an id a line. OUT is there when it is whole, and not before.
"""
import argparse
import csv
import os

import taud

BATCH = 500


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("users")
    parser.add_argument("out")
    parser.add_argument("--server", default="localhost:50051")
    parser.add_argument("-k", type=int, default=20)
    options = parser.parse_args()
    with open(options.users, encoding="utf-8") as file:
        users = [line.rstrip("\n") for line in file]
    unfinished = options.out + ".unfinished"
    with taud.Client(options.server, timeout=60) as client, \
            open(unfinished, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["user", "rank", "item", "score", "probability"])
        for answer in client.recommend_many(users, options.k, batch=BATCH):
            columns = taud.columns([answer])
            table.writerows(zip(*columns.values()))
    os.replace(unfinished, options.out)
    print(f"{len(users)} users in {options.out}")


if __name__ == "__main__":
    main()
