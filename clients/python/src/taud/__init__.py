"""Client of taud, the recommendation daemon that learns from a stream.

    import taud

    with taud.Client("localhost:50051") as client:
        client.write([("ann", "the third man"), ("ann", "m")])
        for item in client.recommend("ann", k=10):
            print(item.id, item.score)
"""
from taud.v1.catalog_service_pb2 import Item
from taud.v1.types_pb2 import Exploration, Filter, Rules, TagBoost

from . import aio
from .answers import Recommendations, columns
from .client import Client
from .errors import (DeadlineExceeded, Error, FailedPrecondition,
                     InvalidArgument, NotFound, Overloaded, PermissionDenied,
                     Unauthenticated, Unavailable)
from .ingest import IngestStream
from .ingest_state import IngestResult, Rejection
from .interactions import Interaction, from_columns
from .retry import Retry

__all__ = [
    "Client", "DeadlineExceeded", "Error", "Exploration", "FailedPrecondition",
    "Filter", "IngestResult", "IngestStream", "Interaction", "InvalidArgument",
    "Item", "NotFound", "Overloaded", "PermissionDenied", "Recommendations",
    "Rejection", "Retry", "Rules", "TagBoost", "Unauthenticated", "Unavailable",
    "aio", "columns", "from_columns",
]
