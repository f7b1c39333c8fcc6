"""The messages that calls send, for the client and its asyncio twin."""
from __future__ import annotations

import uuid
from typing import Iterable, Optional, Sequence

from taud.v1 import (ingestion_service_pb2, recommendation_service_pb2,
                     types_pb2)

from .interactions import InteractionLike, to_proto

# How long a connection that broke is left alone at most, ms: a daemon that was
# restarted is there again within a second.
CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


def recommend(user: str, k: int, *, context: Sequence[str] = (),
              filter: Optional[types_pb2.Filter] = None,
              rules: Optional[types_pb2.Rules] = None,
              exploration: Optional[types_pb2.Exploration] = None,
              after_sequence: int = 0, titles: bool = False,
              properties: bool = False, reasons: bool = False,
              page_token: str = "",
              ) -> recommendation_service_pb2.RecommendRequest:
    return recommendation_service_pb2.RecommendRequest(
        user_id=user, k=k, context_item_ids=context, filter=filter,
        rules=rules, exploration=exploration, after_sequence=after_sequence,
        include_titles=titles, include_properties=properties,
        include_reasons=reasons, page_token=page_token)


def recommend_batch(users: Iterable[str], k: int, *,
                    filter: Optional[types_pb2.Filter] = None,
                    rules: Optional[types_pb2.Rules] = None,
                    titles: bool = False,
                    ) -> recommendation_service_pb2.RecommendBatchRequest:
    return recommendation_service_pb2.RecommendBatchRequest(
        user_ids=users, k=k, filter=filter, rules=rules, include_titles=titles)


def similar(item: str, k: int, *, filter: Optional[types_pb2.Filter] = None,
            titles: bool = False,
            ) -> recommendation_service_pb2.SimilarItemsRequest:
    return recommendation_service_pb2.SimilarItemsRequest(
        item_id=item, k=k, filter=filter, include_titles=titles)


def write(interactions: Iterable[InteractionLike],
          ) -> ingestion_service_pb2.WriteInteractionsRequest:
    """One without an event id is given one: another try stores nothing
    twice."""
    messages = [to_proto(i) for i in interactions]
    call = uuid.uuid4().hex
    for number, message in enumerate(messages):
        if not message.event_id:
            message.event_id = f"{call}-{number}"
    return ingestion_service_pb2.WriteInteractionsRequest(
        interactions=messages)
