"""Answers as plain Python."""
from __future__ import annotations

import dataclasses
from typing import Any, Iterable, Iterator, List

from taud.v1 import recommendation_service_pb2, types_pb2


@dataclasses.dataclass(frozen=True)
class Recommendations:
    """The best items of a user, best first; iterates over its items.

    items            messages ScoredItem: id, score, probability, title, ...
    representation   how the user was known: "trained", "folded_in", "context",
                     "popular"
    snapshot         the version of the model that all of it was computed from
    trained_through  every interaction up to this sequence had been learnt
    next_page_token  of the next page; empty: there is none
    """

    user: str
    items: List[types_pb2.ScoredItem]
    representation: str
    snapshot: int
    trained_through: int
    temperature: float
    next_page_token: str

    def __iter__(self) -> Iterator[types_pb2.ScoredItem]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def ids(self) -> List[str]:
        return [item.id for item in self.items]


def from_proto(
        user: str,
        answer: recommendation_service_pb2.RecommendResponse,
) -> Recommendations:
    name = types_pb2.Representation.Name(answer.representation)
    return Recommendations(
        user=user, items=list(answer.items),
        representation=name.partition("_")[2].lower(),
        snapshot=answer.snapshot.version,
        trained_through=answer.snapshot.trained_through,
        temperature=answer.temperature,
        next_page_token=answer.next_page_token)


def columns(answers: Iterable[Recommendations]) -> dict[str, List[Any]]:
    """A row an item, as columns: pandas.DataFrame(taud.columns(answers))."""
    table: dict[str, List[Any]] = {
        "user": [], "rank": [], "item": [], "score": [], "probability": []}
    for answer in answers:
        for rank, item in enumerate(answer.items, 1):
            table["user"].append(answer.user)
            table["rank"].append(rank)
            table["item"].append(item.id)
            table["score"].append(item.score)
            table["probability"].append(item.probability)
    return table
