"""A stream of interactions, each stored exactly once, whatever breaks."""
from __future__ import annotations

import collections
import dataclasses
import threading
import time
from typing import Any, Callable, Deque, Iterable, Iterator, List, Optional

import grpc
from taud.v1 import ingestion_service_pb2

from . import errors
from .interactions import InteractionLike, to_proto
from .retry import Retry

_MOST_REJECTIONS = 100


@dataclasses.dataclass(frozen=True)
class Rejection:
    """An interaction that was not stored: the `index`-th of the batch that was
    sent with `position`."""

    position: int
    index: int
    reason: str


@dataclasses.dataclass
class IngestResult:
    """What became of what was sent."""

    accepted: int = 0
    duplicates: int = 0      # their event ids were known
    rejected: int = 0
    rejections: List[Rejection] = dataclasses.field(default_factory=list)
    last_sequence: int = 0   # for after_sequence


@dataclasses.dataclass
class _Batch:
    position: int
    size: int
    request: ingestion_service_pb2.IngestRequest


class _Session:
    """One connection of the stream."""

    def __init__(self) -> None:
        self.resumed = False    # how far the daemon has it is known
        self.sent = 0           # how many of the pending batches were sent
        self.over = False


class IngestStream:
    """Sends batches in order. A connection that breaks is made again; the
    daemon then says how far it has the stream, and the rest is sent again.

    Every batch has a position, a number above 0 that ascends: one's own place
    in the source, such as the number of the last line. The daemon keeps the
    position of the last batch together with it, under `stream_id`: `position`
    is from where a program that was killed itself goes on.

        with client.ingest("shop-1") as stream:
            for place, events in read_from(stream.position):
                stream.send(events, place)

    send() waits while more than `max_unacknowledged` interactions are
    unacknowledged. At the end of the with block, and in flush(), everything
    sent has been acknowledged, or they raise. `give_up_after`: seconds without
    any progress after which they, and send(), raise.

    Any thread may send; one stream_id has one stream at a time. A thread of
    its own holds the connection, and ends with close().
    """

    def __init__(self, ingest: Callable[..., Any], stream_id: str, *,
                 retry: Retry = Retry(), max_unacknowledged: int = 20000,
                 give_up_after: float = 60.0):
        if not stream_id:
            raise ValueError("stream_id: must not be empty")
        self._ingest = ingest
        self._stream_id = stream_id
        self._retry = retry
        self._max_unacknowledged = max_unacknowledged
        self._give_up_after = give_up_after
        # Guards everything below.
        self._changed = threading.Condition()
        self._pending: Deque[_Batch] = collections.deque()
        self._unacknowledged = 0
        self._position: Optional[int] = None  # None: not asked yet
        self._last_position = 0               # of what was given to send()
        self._result = IngestResult()
        self._error: Optional[Exception] = None
        self._closing = False
        self._call: Optional[Any] = None
        self._failing_since: Optional[float] = None
        self._thread = threading.Thread(
            target=self._run, name=f"taud-ingest-{stream_id}", daemon=True)
        self._thread.start()

    # For the caller.

    @property
    def position(self) -> int:
        """That of the last batch stored; 0: the daemon knows of none."""
        with self._changed:
            self._wait_while(lambda: self._position is None)
            assert self._position is not None
            return self._position

    def send(self, interactions: Iterable[InteractionLike],
             position: Optional[int] = None) -> None:
        """Takes a batch of 1 to 10,000 interactions to be sent. Without a
        position it gets the one after the last."""
        messages = [to_proto(i) for i in interactions]
        if not 1 <= len(messages) <= 10000:
            raise ValueError(
                f"interactions: {len(messages)}, allowed are 1 to 10000")
        with self._changed:
            self._wait_while(
                lambda: self._position is None or
                (self._unacknowledged > 0 and self._unacknowledged
                 + len(messages) > self._max_unacknowledged))
            if self._closing:
                raise ValueError("the stream is closed")
            last = max(self._last_position, self._position or 0)
            if position is None:
                position = last + 1
            if position <= last:
                raise ValueError(
                    f"position: {position} is not above the last, {last}")
            self._last_position = position
            self._pending.append(_Batch(
                position, len(messages), ingestion_service_pb2.IngestRequest(
                    interactions=messages, batch_id=position)))
            self._unacknowledged += len(messages)
            self._changed.notify_all()

    def flush(self, timeout: Optional[float] = None) -> IngestResult:
        """Waits until everything sent is acknowledged. DeadlineExceeded if it
        is not after so many seconds; then it is still under way."""
        with self._changed:
            self._wait_while(lambda: bool(self._pending), timeout)
            return dataclasses.replace(
                self._result, rejections=list(self._result.rejections))

    def close(self) -> IngestResult:
        """flush(), and no more."""
        try:
            return self.flush()
        finally:
            self._stop()

    def __enter__(self) -> "IngestStream":
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            self.close()
        else:
            self._stop()

    def _stop(self) -> None:
        with self._changed:
            self._closing = True
            if self._call is not None:
                self._call.cancel()
            self._changed.notify_all()
        self._thread.join()

    def _wait_while(self, condition: Callable[[], bool],
                    timeout: Optional[float] = None) -> None:
        """REQUIRES: the lock is held."""
        done = self._changed.wait_for(
            lambda: self._error is not None or not condition(), timeout)
        if self._error is not None:
            raise self._error
        if not done:
            raise errors.DeadlineExceeded(
                "DEADLINE_EXCEEDED",
                f"{self._unacknowledged} interactions are not acknowledged "
                f"after {timeout} s", {}, "", None)

    # The thread that holds the connection.

    def _run(self) -> None:
        attempt = 0
        while True:
            try:
                self._converse()
                failure = None
            except grpc.RpcError as rpc_error:
                failure = errors.from_rpc(rpc_error)
            except Exception as error:  # the caller hears of it
                self._fail(error)
                return
            with self._changed:
                if self._closing:
                    return
                now = time.monotonic()
                if self._failing_since is None:
                    attempt, self._failing_since = 0, now
                left = self._failing_since + self._give_up_after - now
            attempt += 1
            if failure is None:
                failure = errors.Unavailable(
                    "UNAVAILABLE", "the daemon ended the stream", {}, "", None)
            delay = self._retry.delay_now(failure, attempt, left)
            if delay is None:
                self._fail(failure)
                return
            with self._changed:
                self._changed.wait_for(lambda: self._closing, timeout=delay)

    def _fail(self, error: Exception) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _converse(self) -> None:
        """One connection, from its start to its end."""
        session = _Session()
        try:
            call = self._ingest(self._requests(session))
            with self._changed:
                self._call = call
                if self._closing:
                    call.cancel()
            for ack in call:
                with self._changed:
                    self._heard(session, ack)
        finally:
            with self._changed:
                session.over = True
                self._call = None
                self._changed.notify_all()

    def _requests(self, session: _Session,
                  ) -> Iterator[ingestion_service_pb2.IngestRequest]:
        """Runs on gRPC's thread. It ends with the session: a thread that waited
        for more would never end."""
        yield ingestion_service_pb2.IngestRequest(stream_id=self._stream_id)
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: session.over or self._closing or
                    (session.resumed and session.sent < len(self._pending)))
                if session.over or self._closing:
                    return
                batch = self._pending[session.sent]
                session.sent += 1
            yield batch.request

    def _heard(self, session: _Session,
               ack: ingestion_service_pb2.IngestAck) -> None:
        """REQUIRES: the lock is held."""
        self._failing_since = None
        if ack.stream_position:
            # What was stored and not acknowledged before the connection broke.
            while self._pending and self._pending[0].position <= ack.batch_id:
                batch = self._pending.popleft()
                self._unacknowledged -= batch.size
                self._result.accepted += batch.size
            self._position = max(self._position or 0, ack.batch_id)
            self._result.last_sequence = max(self._result.last_sequence,
                                             ack.last_sequence)
            session.resumed = True
            self._changed.notify_all()
            return
        batch = self._pending.popleft()
        if batch.position != ack.batch_id:
            raise RuntimeError(f"acknowledged is {ack.batch_id}, and "
                               f"{batch.position} comes next")
        session.sent -= 1
        self._unacknowledged -= batch.size
        self._position = batch.position
        result = self._result
        result.accepted += ack.accepted
        result.duplicates += ack.duplicates
        result.rejected += ack.rejected_count
        result.last_sequence = max(result.last_sequence, ack.last_sequence)
        room = _MOST_REJECTIONS - len(result.rejections)
        result.rejections += [Rejection(batch.position, r.index, r.reason)
                              for r in list(ack.rejected)[:room]]
        self._changed.notify_all()
