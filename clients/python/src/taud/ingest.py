"""A stream of interactions, each stored exactly once, whatever breaks."""
from __future__ import annotations

import threading
import time
from typing import Any, Callable, Iterable, Iterator, Optional

import grpc
from taud.v1 import ingestion_service_pb2

from . import errors
from .ingest_state import IngestResult, IngestState, Session, make_batch
from .interactions import InteractionLike
from .retry import Retry


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
        self._give_up_after = give_up_after
        # Guards everything below.
        self._changed = threading.Condition()
        self._state = IngestState(max_unacknowledged)
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
            self._wait_while(lambda: self._state.position is None)
            return self._state.position or 0

    def send(self, interactions: Iterable[InteractionLike],
             position: Optional[int] = None) -> None:
        """Takes a batch of 1 to 10,000 interactions to be sent. Without a
        position it gets the one after the last."""
        batch = make_batch(interactions)
        with self._changed:
            self._wait_while(
                lambda: not self._closing
                and not self._state.fits(len(batch.interactions)))
            if self._closing:
                raise ValueError("the stream is closed")
            self._state.add(batch, position)
            self._changed.notify_all()

    def flush(self, timeout: Optional[float] = None) -> IngestResult:
        """Waits until everything sent is acknowledged. DeadlineExceeded if it
        is not after so many seconds; then it is still under way."""
        with self._changed:
            self._wait_while(lambda: not self._state.is_empty(), timeout)
            return self._state.result()

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
                f"{self._state.unacknowledged} interactions are not acknowledged "
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
        session = Session()
        try:
            call = self._ingest(self._requests(session))
            with self._changed:
                self._call = call
                if self._closing:
                    call.cancel()
            for ack in call:
                with self._changed:
                    self._failing_since = None
                    self._state.heard(session, ack)
                    self._changed.notify_all()
        finally:
            with self._changed:
                session.over = True
                self._call = None
                self._changed.notify_all()

    def _requests(self, session: Session,
                  ) -> Iterator[ingestion_service_pb2.IngestRequest]:
        """Runs on gRPC's thread. It ends with the session: a thread that waited
        for more would never end."""
        yield ingestion_service_pb2.IngestRequest(stream_id=self._stream_id)
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: session.over or self._closing or
                    self._state.has_next(session))
                if session.over or self._closing:
                    return
                request = self._state.next(session)
            yield request
