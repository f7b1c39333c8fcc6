"""What a stream of interactions knows of itself, without a connection."""
from __future__ import annotations

import collections
import dataclasses
from typing import Deque, Iterable, List, Optional

from taud.v1 import ingestion_service_pb2

from .interactions import InteractionLike, to_proto

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


class Session:
    """One connection of the stream."""

    def __init__(self) -> None:
        self.resumed = False    # how far the daemon has it is known
        self.sent = 0           # how many of the pending batches were sent
        self.over = False


class IngestState:
    """What is pending, and what became of the rest. Its owner sees to it that
    one thread at a time is in it."""

    def __init__(self, max_unacknowledged: int):
        self._max_unacknowledged = max_unacknowledged
        self._pending: Deque[_Batch] = collections.deque()
        self.unacknowledged = 0
        self.position: Optional[int] = None  # None: not asked yet
        self._last_position = 0              # of what was added
        self._result = IngestResult()

    def fits(self, count: int) -> bool:
        """There is room for so many interactions."""
        return self.position is not None and (
            self.unacknowledged == 0 or
            self.unacknowledged + count <= self._max_unacknowledged)

    def add(self, batch: ingestion_service_pb2.IngestRequest,
            position: Optional[int]) -> None:
        last = max(self._last_position, self.position or 0)
        if position is None:
            position = last + 1
        if position <= last:
            raise ValueError(
                f"position: {position} is not above the last, {last}")
        self._last_position = position
        batch.batch_id = position
        self._pending.append(_Batch(position, len(batch.interactions), batch))
        self.unacknowledged += len(batch.interactions)

    def has_next(self, session: Session) -> bool:
        return session.resumed and session.sent < len(self._pending)

    def next(self, session: Session) -> ingestion_service_pb2.IngestRequest:
        batch = self._pending[session.sent]
        session.sent += 1
        return batch.request

    def is_empty(self) -> bool:
        return not self._pending

    def result(self) -> IngestResult:
        return dataclasses.replace(self._result,
                                   rejections=list(self._result.rejections))

    def heard(self, session: Session,
              ack: ingestion_service_pb2.IngestAck) -> None:
        result = self._result
        result.last_sequence = max(result.last_sequence, ack.last_sequence)
        if ack.stream_position:
            # What was stored and not acknowledged before the connection broke.
            while self._pending and self._pending[0].position <= ack.batch_id:
                result.accepted += self._take().size
            self.position = max(self.position or 0, ack.batch_id)
            session.resumed = True
            return
        batch = self._take()
        if batch.position != ack.batch_id:
            raise RuntimeError(f"acknowledged is {ack.batch_id}, and "
                               f"{batch.position} comes next")
        session.sent -= 1
        self.position = batch.position
        result.accepted += ack.accepted
        result.duplicates += ack.duplicates
        result.rejected += ack.rejected_count
        room = _MOST_REJECTIONS - len(result.rejections)
        result.rejections += [Rejection(batch.position, r.index, r.reason)
                              for r in list(ack.rejected)[:room]]

    def _take(self) -> _Batch:
        batch = self._pending.popleft()
        self.unacknowledged -= batch.size
        return batch


def make_batch(interactions: Iterable[InteractionLike],
               ) -> ingestion_service_pb2.IngestRequest:
    """1 to 10,000 of them."""
    messages = [to_proto(i) for i in interactions]
    if not 1 <= len(messages) <= 10000:
        raise ValueError(
            f"interactions: {len(messages)}, allowed are 1 to 10000")
    return ingestion_service_pb2.IngestRequest(interactions=messages)
