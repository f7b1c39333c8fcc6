"""The client: every call with a deadline, tried again where that is safe."""
from __future__ import annotations

import itertools
import time
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence

import grpc
from taud.v1 import (catalog_service_pb2, catalog_service_pb2_grpc,
                     ingestion_service_pb2_grpc, model_service_pb2,
                     model_service_pb2_grpc, recommendation_service_pb2_grpc,
                     types_pb2)

from . import access, answers, errors, requests
from .ingest import IngestStream
from .interactions import InteractionLike
from .requests import CHANNEL_OPTIONS
from .retry import Retry


class Client:
    """A connection to a daemon. Any number of threads may share one.

    timeout      seconds that a call may take, all tries together; each method
                 takes one of its own
    retry        see Retry
    token        credential of `tauctl token new`; keep it out of the program
    ca           path of those who vouch for the daemon, in PEM: TLS
    certificate, key   paths of this client's own, in PEM
    credentials  of grpc.ssl_channel_credentials, instead of the last three;
                 without any of these: no TLS
    """

    def __init__(self, address: str = "localhost:50051", *,
                 timeout: float = 10.0, retry: Retry = Retry(),
                 token: Optional[str] = None, ca: Optional[str] = None,
                 certificate: Optional[str] = None, key: Optional[str] = None,
                 credentials: Optional[grpc.ChannelCredentials] = None):
        self.timeout = timeout
        self.retry = retry
        if credentials is None:
            credentials = access.tls_credentials(ca, certificate, key)
        self._channel = (
            grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
            if credentials is None else
            grpc.secure_channel(address, credentials,
                                options=CHANNEL_OPTIONS))
        channel = self._channel if token is None else grpc.intercept_channel(
            self._channel, access.TokenInterceptor(token))
        self._recommendation = (
            recommendation_service_pb2_grpc.RecommendationServiceStub(channel))
        self._ingestion = ingestion_service_pb2_grpc.IngestionServiceStub(
            channel)
        self._catalog = catalog_service_pb2_grpc.CatalogServiceStub(channel)
        self._model = model_service_pb2_grpc.ModelServiceStub(channel)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _call(self, method: Callable[..., Any], request: Any,
              timeout: Optional[float]) -> Any:
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        for attempt in itertools.count(1):
            left = end - time.monotonic()
            try:
                return method(request, timeout=max(left, 0.001))
            except grpc.RpcError as rpc_error:
                error = errors.from_rpc(rpc_error)
            delay = self.retry.delay_now(error, attempt, end - time.monotonic())
            if delay is None:
                raise error from None
            time.sleep(delay)

    # Recommendations.

    def recommend(self, user: str = "", k: int = 10, *,
                  context: Sequence[str] = (),
                  filter: Optional[types_pb2.Filter] = None,
                  rules: Optional[types_pb2.Rules] = None,
                  exploration: Optional[types_pb2.Exploration] = None,
                  after_sequence: int = 0, titles: bool = False,
                  properties: bool = False, reasons: bool = False,
                  page_token: str = "",
                  timeout: Optional[float] = None) -> answers.Recommendations:
        """The best items for a user, for the items of a session, or both.
        after_sequence: what write() returned, to read one's own writes."""
        request = requests.recommend(
            user, k, context=context, filter=filter, rules=rules,
            exploration=exploration, after_sequence=after_sequence,
            titles=titles, properties=properties, reasons=reasons,
            page_token=page_token)
        return answers.from_proto(
            user, self._call(self._recommendation.Recommend, request, timeout))

    def recommend_batch(self, users: Sequence[str], k: int = 10, *,
                        filter: Optional[types_pb2.Filter] = None,
                        rules: Optional[types_pb2.Rules] = None,
                        titles: bool = False,
                        timeout: Optional[float] = None,
                        ) -> List[answers.Recommendations]:
        """The same for up to 1,000 users, all from one snapshot."""
        request = requests.recommend_batch(users, k, filter=filter,
                                           rules=rules, titles=titles)
        batch = self._call(self._recommendation.RecommendBatch, request,
                           timeout)
        return [answers.from_proto(user, answer)
                for user, answer in zip(users, batch.responses)]

    def recommend_many(self, users: Iterable[str], k: int = 10, *,
                       batch: int = 100, **options: Any,
                       ) -> Iterator[answers.Recommendations]:
        """The same for any number of users, `batch` a call."""
        rest = iter(users)
        while part := list(itertools.islice(rest, batch)):
            yield from self.recommend_batch(part, k, **options)

    def similar(self, item: str, k: int = 10, *,
                filter: Optional[types_pb2.Filter] = None,
                titles: bool = False, timeout: Optional[float] = None,
                ) -> List[types_pb2.ScoredItem]:
        """The nearest items. NotFound for an unknown one."""
        request = requests.similar(item, k, filter=filter, titles=titles)
        return list(self._call(self._recommendation.SimilarItems, request,
                               timeout).items)

    # Interactions.

    def write(self, interactions: Iterable[InteractionLike], *,
              timeout: Optional[float] = None) -> int:
        """Writes up to 10,000 interactions, all or none. When it returns they
        are on disk and count. The sequence of the last, for after_sequence.

        One without an event id is given one, so that another try after a
        broken connection stores nothing twice. For a stream of them there is
        ingest()."""
        request = requests.write(interactions)
        written = self._call(self._ingestion.WriteInteractions, request,
                             timeout)
        return max(written.sequences, default=0)

    def ingest(self, stream_id: str, **options: Any) -> IngestStream:
        """A stream of interactions that outlives broken connections and ends
        of the daemon, and stores each exactly once; see IngestStream."""
        return IngestStream(self._ingestion.Ingest, stream_id,
                            retry=self.retry, **options)

    # The catalogue.

    def upsert_items(self, items: Iterable[catalog_service_pb2.Item], *,
                     timeout: Optional[float] = None) -> None:
        """Writes items, all or none. What is not given of one that exists
        stays as it is."""
        request = catalog_service_pb2.UpsertItemsRequest(items=items)
        self._call(self._catalog.UpsertItems, request, timeout)

    def get_item(self, item: str, *, timeout: Optional[float] = None,
                 ) -> catalog_service_pb2.GetItemResponse:
        answer: catalog_service_pb2.GetItemResponse = self._call(
            self._catalog.GetItem,
            catalog_service_pb2.GetItemRequest(id=item), timeout)
        return answer

    def get_user(self, user: str, *, timeout: Optional[float] = None,
                 ) -> catalog_service_pb2.GetUserResponse:
        answer: catalog_service_pb2.GetUserResponse = self._call(
            self._catalog.GetUser,
            catalog_service_pb2.GetUserRequest(id=user), timeout)
        return answer

    # The model.

    def status(self, *,
               timeout: Optional[float] = None) -> model_service_pb2.Status:
        answer: model_service_pb2.Status = self._call(
            self._model.GetStatus, model_service_pb2.GetStatusRequest(),
            timeout)
        return answer

    def wait_until_learnt(self, sequence: int, *,
                          timeout: Optional[float] = None) -> None:
        """Returns when a model serves that has learnt every interaction up to
        this sequence. DeadlineExceeded if none does in time."""
        watch = self._model.WatchStatus(
            model_service_pb2.WatchStatusRequest(interval_ms=100),
            timeout=self.timeout if timeout is None else timeout)
        try:
            for status in watch:
                serving = status.serving
                if (serving.snapshot_version
                        and serving.snapshot_trained_through >= sequence):
                    return
        except grpc.RpcError as rpc_error:
            raise errors.from_rpc(rpc_error) from None
        finally:
            watch.cancel()
