#!/usr/bin/env python3
"""Sends the lines of a growing file, `user item` each, to taud. Nothing is lost
and nothing is sent twice, if this program or taud is killed at any instant:
where to go on is kept by taud, together with what it has stored.

usage: durable_producer.py FILE [--server HOST:PORT] [--follow]

The position of the stream is the offset in the file behind the last line sent.
--follow waits for more at the end of the file.
"""
import argparse
import os
import time

import taud

BATCH_BYTES = 4096


def whole_lines(data):
    """The part of `data` that ends with a line."""
    return data[:data.rfind(b"\n") + 1]


def interactions(lines):
    for line in lines.decode().splitlines():
        user, _, item = line.partition(" ")
        yield user, item


def produce(file, stream, follow):
    place = stream.position
    while True:
        file.seek(place)
        lines = whole_lines(file.read(BATCH_BYTES))
        if lines:
            place += len(lines)
            stream.send(interactions(lines), position=place)
        elif follow:
            time.sleep(0.1)
        else:
            return


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file")
    parser.add_argument("--server", default="localhost:50051")
    parser.add_argument("--follow", action="store_true")
    options = parser.parse_args()
    name = f"durable_producer {os.path.abspath(options.file)}"
    with taud.Client(options.server) as client, \
            open(options.file, "rb") as file, \
            client.ingest(name, max_unacknowledged=2000) as stream:
        produce(file, stream, options.follow)


if __name__ == "__main__":
    main()
