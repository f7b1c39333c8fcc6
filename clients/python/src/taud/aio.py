"""The client for asyncio: what Client has, to be awaited.

    async with taud.aio.Client("localhost:50051") as client:
        sequence = await client.write([("ann", "m")])
        answer = await client.recommend("ann", k=10, after_sequence=sequence)
"""
from __future__ import annotations

import asyncio
import itertools
import time
from typing import (Any, AsyncIterator, Callable, Iterable, List, Optional,
                    Sequence)

import grpc
import grpc.aio
from taud.v1 import (catalog_service_pb2, catalog_service_pb2_grpc,
                     ingestion_service_pb2, ingestion_service_pb2_grpc,
                     model_service_pb2, model_service_pb2_grpc,
                     recommendation_service_pb2_grpc, types_pb2)

from . import answers, errors, requests
from .ingest_state import IngestResult, IngestState, Session, make_batch
from .interactions import InteractionLike
from .requests import CHANNEL_OPTIONS
from .retry import Retry

__all__ = ["Client", "IngestStream"]


class Client:
    """As taud.Client; for the event loop in which it was made."""

    def __init__(self, address: str = "localhost:50051", *,
                 timeout: float = 10.0, retry: Retry = Retry(),
                 credentials: Optional[grpc.ChannelCredentials] = None):
        self.timeout = timeout
        self.retry = retry
        self._channel = (
            grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
            if credentials is None else
            grpc.aio.secure_channel(address, credentials,
                                    options=CHANNEL_OPTIONS))
        self._recommendation: Any = (
            recommendation_service_pb2_grpc.RecommendationServiceStub(
                self._channel))
        self._ingestion: Any = (
            ingestion_service_pb2_grpc.IngestionServiceStub(self._channel))
        self._catalog: Any = catalog_service_pb2_grpc.CatalogServiceStub(
            self._channel)
        self._model: Any = model_service_pb2_grpc.ModelServiceStub(
            self._channel)

    async def close(self) -> None:
        await self._channel.close()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    async def _call(self, method: Callable[..., Any], request: Any,
                    timeout: Optional[float]) -> Any:
        end = time.monotonic() + (self.timeout if timeout is None else timeout)
        for attempt in itertools.count(1):
            left = end - time.monotonic()
            try:
                return await method(request, timeout=max(left, 0.001))
            except grpc.aio.AioRpcError as rpc_error:
                error = errors.from_rpc(rpc_error)
            delay = self.retry.delay_now(error, attempt, end - time.monotonic())
            if delay is None:
                raise error from None
            await asyncio.sleep(delay)

    async def recommend(self, user: str = "", k: int = 10, *,
                        context: Sequence[str] = (),
                        filter: Optional[types_pb2.Filter] = None,
                        rules: Optional[types_pb2.Rules] = None,
                        exploration: Optional[types_pb2.Exploration] = None,
                        after_sequence: int = 0, titles: bool = False,
                        properties: bool = False, reasons: bool = False,
                        page_token: str = "",
                        timeout: Optional[float] = None,
                        ) -> answers.Recommendations:
        request = requests.recommend(
            user, k, context=context, filter=filter, rules=rules,
            exploration=exploration, after_sequence=after_sequence,
            titles=titles, properties=properties, reasons=reasons,
            page_token=page_token)
        return answers.from_proto(user, await self._call(
            self._recommendation.Recommend, request, timeout))

    async def recommend_batch(self, users: Sequence[str], k: int = 10, *,
                              filter: Optional[types_pb2.Filter] = None,
                              rules: Optional[types_pb2.Rules] = None,
                              titles: bool = False,
                              timeout: Optional[float] = None,
                              ) -> List[answers.Recommendations]:
        request = requests.recommend_batch(users, k, filter=filter,
                                           rules=rules, titles=titles)
        batch = await self._call(self._recommendation.RecommendBatch, request,
                                 timeout)
        return [answers.from_proto(user, answer)
                for user, answer in zip(users, batch.responses)]

    async def recommend_many(self, users: Iterable[str], k: int = 10, *,
                             batch: int = 100, **options: Any,
                             ) -> AsyncIterator[answers.Recommendations]:
        rest = iter(users)
        while part := list(itertools.islice(rest, batch)):
            for answer in await self.recommend_batch(part, k, **options):
                yield answer

    async def similar(self, item: str, k: int = 10, *,
                      filter: Optional[types_pb2.Filter] = None,
                      titles: bool = False, timeout: Optional[float] = None,
                      ) -> List[types_pb2.ScoredItem]:
        request = requests.similar(item, k, filter=filter, titles=titles)
        answer = await self._call(self._recommendation.SimilarItems, request,
                                  timeout)
        return list(answer.items)

    async def write(self, interactions: Iterable[InteractionLike], *,
                    timeout: Optional[float] = None) -> int:
        written = await self._call(self._ingestion.WriteInteractions,
                                   requests.write(interactions), timeout)
        return max(written.sequences, default=0)

    def ingest(self, stream_id: str, **options: Any) -> "IngestStream":
        """async with client.ingest("shop-1") as stream: …"""
        return IngestStream(self._ingestion.Ingest, stream_id,
                            retry=self.retry, **options)

    async def upsert_items(self, items: Iterable[catalog_service_pb2.Item], *,
                           timeout: Optional[float] = None) -> None:
        request = catalog_service_pb2.UpsertItemsRequest(items=items)
        await self._call(self._catalog.UpsertItems, request, timeout)

    async def get_item(self, item: str, *, timeout: Optional[float] = None,
                       ) -> catalog_service_pb2.GetItemResponse:
        answer: catalog_service_pb2.GetItemResponse = await self._call(
            self._catalog.GetItem,
            catalog_service_pb2.GetItemRequest(id=item), timeout)
        return answer

    async def get_user(self, user: str, *, timeout: Optional[float] = None,
                       ) -> catalog_service_pb2.GetUserResponse:
        answer: catalog_service_pb2.GetUserResponse = await self._call(
            self._catalog.GetUser,
            catalog_service_pb2.GetUserRequest(id=user), timeout)
        return answer

    async def status(self, *, timeout: Optional[float] = None,
                     ) -> model_service_pb2.Status:
        answer: model_service_pb2.Status = await self._call(
            self._model.GetStatus, model_service_pb2.GetStatusRequest(),
            timeout)
        return answer

    async def wait_until_learnt(self, sequence: int, *,
                                timeout: Optional[float] = None) -> None:
        watch = self._model.WatchStatus(
            model_service_pb2.WatchStatusRequest(interval_ms=100),
            timeout=self.timeout if timeout is None else timeout)
        try:
            async for status in watch:
                serving = status.serving
                if (serving.snapshot_version
                        and serving.snapshot_trained_through >= sequence):
                    return
        except grpc.aio.AioRpcError as rpc_error:
            raise errors.from_rpc(rpc_error) from None
        finally:
            watch.cancel()


class IngestStream:
    """As taud.IngestStream; used by one event loop, and begun by `async with`.

    Any task may send. A task of its own holds the connection, and ends with
    close().
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
        self._state = IngestState(max_unacknowledged)
        self._changed = asyncio.Condition()
        self._error: Optional[BaseException] = None
        self._closing = False
        self._failing_since: Optional[float] = None
        self._task: Optional["asyncio.Task[None]"] = None

    async def __aenter__(self) -> "IngestStream":
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            await self.close()
        else:
            await self._stop()

    async def position(self) -> int:
        """That of the last batch stored; 0: the daemon knows of none."""
        await self._wait_until(lambda: self._state.position is not None)
        return self._state.position or 0

    async def send(self, interactions: Iterable[InteractionLike],
                   position: Optional[int] = None) -> None:
        """Takes a batch of 1 to 10,000 interactions to be sent; waits while
        too much is unacknowledged."""
        batch = make_batch(interactions)
        await self._wait_until(
            lambda: self._closing or self._state.fits(len(batch.interactions)))
        # Nothing else runs between the condition and this.
        if self._closing:
            raise ValueError("the stream is closed")
        self._state.add(batch, position)
        await self._notify()

    async def flush(self) -> IngestResult:
        """Waits until everything sent is acknowledged."""
        await self._wait_until(self._state.is_empty)
        return self._state.result()

    async def close(self) -> IngestResult:
        """flush(), and no more."""
        try:
            return await self.flush()
        finally:
            await self._stop()

    async def _stop(self) -> None:
        self._closing = True
        await self._notify()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._error is not None or condition())
        if self._error is not None:
            raise self._error

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _run(self) -> None:
        attempt = 0
        while not self._closing:
            failure: errors.Error = errors.Unavailable(
                "UNAVAILABLE", "the daemon ended the stream", {}, "", None)
            try:
                await self._converse()
            except grpc.aio.AioRpcError as rpc_error:
                failure = errors.from_rpc(rpc_error)
            except Exception as error:  # the caller hears of it
                return await self._fail(error)
            now = time.monotonic()
            if self._failing_since is None:
                attempt, self._failing_since = 0, now
            attempt += 1
            left = self._failing_since + self._give_up_after - now
            delay = self._retry.delay_now(failure, attempt, left)
            if delay is None:
                return await self._fail(failure)
            await asyncio.sleep(delay)

    async def _fail(self, error: BaseException) -> None:
        self._error = error
        await self._notify()

    async def _converse(self) -> None:
        """One connection, from its start to its end."""
        session = Session()
        call = self._ingest(self._requests(session))
        try:
            async for ack in call:
                self._failing_since = None
                self._state.heard(session, ack)
                await self._notify()
        finally:
            session.over = True
            call.cancel()
            await self._notify()

    async def _requests(self, session: Session,
                        ) -> AsyncIterator[ingestion_service_pb2.IngestRequest]:
        yield ingestion_service_pb2.IngestRequest(stream_id=self._stream_id)
        while True:
            async with self._changed:
                await self._changed.wait_for(
                    lambda: session.over or self._state.has_next(session))
            if session.over:
                return
            if self._state.has_next(session):
                yield self._state.next(session)
