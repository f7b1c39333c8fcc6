"""What a user did with an item."""
from __future__ import annotations

import dataclasses
import datetime
from typing import Optional, Tuple, Union

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
