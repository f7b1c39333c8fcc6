#!/usr/bin/env python3
"""taud's API from a client that is not ours: Python's grpcio with stubs
generated from proto/.

usage: python_client.py STUBS TAUD_BINARY
"""
import sys
import tempfile
import unittest

sys.path.insert(0, sys.argv[1])

import grpc  # noqa: E402
from daemon_process import DaemonProcess  # noqa: E402
from taud.v1 import (catalog_service_pb2 as catalog,  # noqa: E402
                     catalog_service_pb2_grpc as catalog_grpc,
                     ingestion_service_pb2 as ingestion,
                     ingestion_service_pb2_grpc as ingestion_grpc,
                     model_service_pb2 as model,
                     model_service_pb2_grpc as model_grpc,
                     recommendation_service_pb2 as recommendation,
                     recommendation_service_pb2_grpc as recommendation_grpc,
                     types_pb2 as types)

BINARY = sys.argv[2]
TIMEOUT = 60


class PythonClientTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="taud-python-")
        cls.daemon = DaemonProcess(BINARY, cls.directory.name)
        cls.channel = grpc.insecure_channel(cls.daemon.address)
        cls.ingestion = ingestion_grpc.IngestionServiceStub(cls.channel)
        cls.catalog = catalog_grpc.CatalogServiceStub(cls.channel)
        cls.model = model_grpc.ModelServiceStub(cls.channel)
        cls.recommendation = (
            recommendation_grpc.RecommendationServiceStub(cls.channel))

        # Two tastes: even users like even items.
        def batches():
            for batch in range(10):
                request = ingestion.IngestRequest(batch_id=batch)
                for user in range(60):
                    item = (7 * user + 11 * batch) % 40 * 2 + user % 2
                    request.interactions.add(
                        user_id=f"u{user}", item_id=f"i{item}",
                        kind=types.INTERACTION_KIND_LIKE)
                yield request

        acks = list(cls.ingestion.Ingest(batches(), timeout=TIMEOUT))
        assert [a.batch_id for a in acks] == list(range(10)), acks
        assert all(a.accepted == 60 for a in acks), acks
        last = acks[-1].last_sequence
        watch = cls.model.WatchStatus(
            model.WatchStatusRequest(interval_ms=100), timeout=TIMEOUT)
        for status in watch:
            if (status.serving.snapshot_version
                    and status.serving.snapshot_trained_through >= last):
                break
        watch.cancel()

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        code = cls.daemon.stop()
        cls.directory.cleanup()
        assert code == 0, code

    def test_recommend(self):
        answer = self.recommendation.Recommend(
            recommendation.RecommendRequest(user_id="u4", k=5),
            timeout=TIMEOUT)
        self.assertEqual(len(answer.items), 5)
        self.assertGreater(answer.snapshot.version, 0)
        self.assertAlmostEqual(sum(i.probability for i in answer.items), 1,
                               places=4)

    def test_an_acked_item_does_not_come_back(self):
        request = recommendation.RecommendRequest(user_id="u5", k=10)
        before = self.recommendation.Recommend(request, timeout=TIMEOUT)
        item = before.items[3].id
        written = self.ingestion.WriteInteractions(
            ingestion.WriteInteractionsRequest(interactions=[
                types.Interaction(user_id="u5", item_id=item)]),
            timeout=TIMEOUT)
        request.after_sequence = written.sequences[0]
        after = self.recommendation.Recommend(request, timeout=TIMEOUT)
        self.assertEqual(len(after.items), 10)
        self.assertNotIn(item, [i.id for i in after.items])

    def test_catalogue_and_tags(self):
        self.catalog.UpsertItems(
            catalog.UpsertItemsRequest(items=[
                catalog.Item(id="i1", title="Één", tags=["new"]),
                catalog.Item(id="i2", title="Two", tags=["new"],
                             hidden=True)]),
            timeout=TIMEOUT)
        answer = self.recommendation.Recommend(
            recommendation.RecommendRequest(
                user_id="somebody new", k=10, include_titles=True,
                filter=types.Filter(any_tags=["new"])),
            timeout=TIMEOUT)
        self.assertEqual([(i.id, i.title) for i in answer.items],
                         [("i1", "Één")])

    def test_errors_have_codes(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.recommendation.Recommend(
                recommendation.RecommendRequest(user_id="u1", k=0),
                timeout=TIMEOUT)
        self.assertEqual(raised.exception.code(),
                         grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("k: 0 is not allowed", raised.exception.details())
        trailers = dict(raised.exception.trailing_metadata())
        self.assertIn(b"google.rpc.BadRequest",
                      trailers["grpc-status-details-bin"])

    def test_similar_items(self):
        answer = self.recommendation.SimilarItems(
            recommendation.SimilarItemsRequest(item_id="i10", k=3),
            timeout=TIMEOUT)
        self.assertEqual(len(answer.items), 3)
        self.assertNotIn("i10", [i.id for i in answer.items])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
