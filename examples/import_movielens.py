#!/usr/bin/env python3
"""Imports MovieLens (ml-latest-small and its like) into taud: titles and genres
of movies.csv, and ratings.csv as likes and dislikes.

usage: import_movielens.py DIRECTORY [--server HOST:PORT]

Ended in the middle, it goes on where it was when started again: the position of
the stream is the number of the line.
"""
import argparse
import csv
import datetime
import itertools
import pathlib

import taud

BATCH = 1000
LIKED_FROM = 4.0
DISLIKED_UP_TO = 2.5


def movies(path):
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            genres = [g for g in row["genres"].split("|")
                      if g != "(no genres listed)"]
            yield taud.Item(id=row["movieId"], title=row["title"], tags=genres)


def kind(rating):
    if rating >= LIKED_FROM:
        return "like"
    return "dislike" if rating <= DISLIKED_UP_TO else "view"


def ratings(path):
    """(line, interaction)"""
    with open(path, newline="", encoding="utf-8") as file:
        for line, row in enumerate(csv.DictReader(file), 1):
            when = datetime.datetime.fromtimestamp(
                int(row["timestamp"]), tz=datetime.timezone.utc)
            yield line, taud.Interaction(row["userId"], row["movieId"],
                                         kind=kind(float(row["rating"])),
                                         time=when)


def batches(rows):
    rows = iter(rows)
    while part := list(itertools.islice(rows, BATCH)):
        yield part


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--server", default="localhost:50051")
    options = parser.parse_args()
    with taud.Client(options.server, timeout=60) as client:
        for part in batches(movies(options.directory / "movies.csv")):
            client.upsert_items(part)
        path = options.directory / "ratings.csv"
        with client.ingest(f"movielens {path.resolve()}") as stream:
            done = stream.position
            rest = (r for r in ratings(path) if r[0] > done)
            for part in batches(rest):
                stream.send([i for _, i in part], position=part[-1][0])
            result = stream.flush()
        client.wait_until_learnt(result.last_sequence)
    print(f"{result.accepted} ratings written, {done} were there")


if __name__ == "__main__":
    main()
