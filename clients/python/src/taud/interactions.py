"""What a user did with an item."""
from __future__ import annotations

import dataclasses
import datetime
import itertools
from typing import Any, Iterator, Optional, Sequence, Tuple, Union

from taud.v1 import types_pb2

_KINDS = {name.rpartition("KIND_")[2].lower(): number
          for name, number in types_pb2.InteractionKind.items()}


@dataclasses.dataclass(frozen=True)
class Interaction:
    """kind: "view", "click", "like", "purchase" or "dislike".
    time: with a time zone; None is the time of arrival.
    event_id: a second interaction with the same one is not stored again."""

    user: str
    item: str
    kind: str = "view"
    time: Optional[datetime.datetime] = None
    weight: float = 1.0
    event_id: str = ""


# (user, item) is a view that happens now.
InteractionLike = Union[Interaction, Tuple[str, str]]


def to_proto(value: InteractionLike) -> types_pb2.Interaction:
    """ValueError names what cannot be sent."""
    if not isinstance(value, Interaction):
        value = Interaction(*value)
    if value.kind not in _KINDS:
        raise ValueError(f"kind: {value.kind!r} is none of "
                         + ", ".join(k for k in _KINDS if k != "unspecified"))
    time_ms = 0
    if value.time is not None:
        if value.time.tzinfo is None:
            raise ValueError(f"time: {value.time} has no time zone")
        time_ms = round(value.time.timestamp() * 1000)
    return types_pb2.Interaction(
        user_id=value.user, item_id=value.item, kind=_KINDS[value.kind],
        time_ms=time_ms, weight=value.weight, event_id=value.event_id)


def from_columns(user: Sequence[Any], item: Sequence[Any],
                 kind: Union[str, Sequence[str]] = "view",
                 time: Optional[Sequence[Any]] = None,
                 weight: Optional[Sequence[float]] = None,
                 event_id: Optional[Sequence[str]] = None,
                 ) -> Iterator[Interaction]:
    """A row each of columns of equal length: lists, NumPy arrays, columns of a
    DataFrame. Ids that are no texts are written as such; times are datetimes
    with a time zone, pandas' included, or Unix seconds.

        client.write(taud.from_columns(frame.user, frame.item, time=frame.at))
    """
    columns = {"item": item, "time": time, "weight": weight,
               "event_id": event_id}
    if not isinstance(kind, str):
        columns["kind"] = kind
    for name, column in columns.items():
        if column is not None and len(column) != len(user):
            raise ValueError(f"{name}: has {len(column)} rows, and user has "
                             f"{len(user)}")
    nothing = itertools.repeat(None)
    for u, i, k, t, w, e in zip(
            user, item, itertools.repeat(kind) if isinstance(kind, str)
            else kind, nothing if time is None else time,
            nothing if weight is None else weight,
            nothing if event_id is None else event_id):
        yield Interaction(str(u), str(i), kind=k, time=_datetime(t),
                          weight=1.0 if w is None else float(w),
                          event_id="" if e is None else str(e))


def _datetime(value: Any) -> Optional[datetime.datetime]:
    if value is None or isinstance(value, datetime.datetime):
        return value
    return datetime.datetime.fromtimestamp(float(value), datetime.timezone.utc)
