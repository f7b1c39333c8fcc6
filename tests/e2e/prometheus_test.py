#!/usr/bin/env python3
"""A real Prometheus that scrapes a daemon under load: every panel's query and
every rule returns data, and what is exported is what docs/metrics.md says.

usage: prometheus_test.py STUBS TAUD_BINARY SOURCE_DIR [SECONDS_OF_LOAD]
"""
import itertools
import json
import math
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

ROOT = pathlib.Path(sys.argv[3])
sys.path.insert(0, sys.argv[1])
sys.path.insert(0, str(ROOT / "tests" / "configs"))
sys.path.insert(0, str(ROOT / "tests" / "deploy"))

import dashboard_rules  # noqa: E402
import grpc  # noqa: E402
import metrics_page  # noqa: E402
import promql  # noqa: E402
import skips  # noqa: E402
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
LOAD_SECONDS = float(sys.argv[4]) if len(sys.argv) > 4 else 20
TIMEOUT = 60
# What the daemon knows only if it evaluates itself.
QUALITY = re.compile(
    r"taud_(evaluation|comparison|served|tau_user|snapshot_drift|input)")
# What there is only after something that the load does not do.
SELDOM = {"taud_problem", "taud_refused_total", "taud_decisions_total",
          "taud_audit_lines_total",
          "taud_reloads_total", "taud_tls_certificate_expiry_seconds"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Load(threading.Thread):
    """Interactions of users with two tastes, and every kind of question, until
    stop()."""

    def __init__(self, address):
        super().__init__()
        self.channel = grpc.insecure_channel(address)
        self.stopping = threading.Event()
        self.error = None

    def batches(self):
        for n in itertools.count():
            if self.stopping.wait(0.02):
                return
            request = ingestion.IngestRequest(batch_id=n)
            for user in range(n % 100, n % 100 + 20):
                item = (7 * user + 11 * n + n * n % 13) % 60 * 2 + user % 2
                request.interactions.add(
                    user_id=f"u{user}", item_id=f"i{item}",
                    kind=1 + n % 5 if n > 50 else types.INTERACTION_KIND_LIKE)
            yield request

    def ask(self):
        recommends = recommendation_grpc.RecommendationServiceStub(self.channel)
        items = catalog_grpc.CatalogServiceStub(self.channel)
        for n in itertools.count():
            if self.stopping.is_set():
                return
            user = f"u{n % 140}"
            try:
                recommends.Recommend(recommendation.RecommendRequest(
                    user_id=user, k=20), timeout=TIMEOUT)
                recommends.RecommendBatch(recommendation.RecommendBatchRequest(
                    user_ids=[user, "u1"], k=20), timeout=TIMEOUT)
                recommends.SimilarItems(recommendation.SimilarItemsRequest(
                    item_id="i2", k=5), timeout=TIMEOUT)
                items.GetItem(catalog.GetItemRequest(id="nothing"),
                              timeout=TIMEOUT)
            except grpc.RpcError as error:
                # Before the first snapshot, and of an item that is unknown.
                if error.code() not in (grpc.StatusCode.UNAVAILABLE,
                                        grpc.StatusCode.FAILED_PRECONDITION,
                                        grpc.StatusCode.NOT_FOUND):
                    raise

    def run(self):
        stub = ingestion_grpc.IngestionServiceStub(self.channel)
        acks = stub.Ingest(self.batches())
        reader = threading.Thread(target=lambda: list(acks))
        reader.start()
        try:
            self.ask()
        except grpc.RpcError as error:
            self.error = error
        finally:
            self.stopping.set()
            reader.join()

    def stop(self):
        self.stopping.set()
        self.join()
        self.channel.close()
        if self.error:
            raise self.error


class Prometheus:
    """Debian's, with our rules, asked over HTTP."""

    def __init__(self, directory, target):
        self.address = f"127.0.0.1:{free_port()}"
        rules = [str(p) for p in (ROOT / "configs" / "prometheus").glob("taud_*")]
        config = directory / "prometheus.yml"
        # JSON is YAML.
        config.write_text(json.dumps({
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s",
                       "evaluation_interval": "1s"},
            "rule_files": rules,
            "scrape_configs": [{"job_name": "taud", "static_configs": [
                {"targets": [target]}]}]}))
        self.log = open(directory / "prometheus.log", "w+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}",
             f"--storage.tsdb.path={directory / 'tsdb'}",
             f"--web.listen-address={self.address}"],
            stdout=self.log, stderr=self.log)

    def get(self, path, **parameters):
        url = f"http://{self.address}{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return json.load(answer)["data"]

    def await_ready(self):
        end = time.monotonic() + TIMEOUT
        while time.monotonic() < end:
            try:
                urllib.request.urlopen(f"http://{self.address}/-/ready",
                                       timeout=1).close()
                return
            except OSError:
                assert self.process.poll() is None, "prometheus has ended"
                time.sleep(0.1)
        raise TimeoutError("prometheus is not ready")

    def has_data(self, expression):
        """Whether any series has a number now."""
        result = self.get("/api/v1/query", query=expression)["result"]
        return any(not math.isnan(float(series["value"][1]))
                   for series in result)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=TIMEOUT)
        self.log.close()


def for_test(expression):
    return (expression.replace("$__rate_interval", "15s")
            .replace("$job", ".+").replace("$instance", ".+"))


@unittest.skipUnless(shutil.which("prometheus") and shutil.which("promtool"),
                     "SKIPPED: there is no prometheus")
class PrometheusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="taud-prometheus-")
        directory = pathlib.Path(cls.temporary.name)
        cls.daemon = DaemonProcess(
            BINARY, str(directory / "data"),
            "--set", "store.checkpoint_seconds=1")
        http = f"127.0.0.1:{cls.daemon.http_port}"
        cls.prometheus = Prometheus(directory, http)
        cls.prometheus.await_ready()
        load = Load(cls.daemon.address)
        load.start()
        time.sleep(LOAD_SECONDS)  # that long it is loaded: nothing is awaited
        with urllib.request.urlopen(f"http://{http}/metrics") as answer:
            cls.exported = answer.read().decode()
        cls.answers = cls.ask_all()
        load.stop()

    @classmethod
    def tearDownClass(cls):
        cls.prometheus.stop()
        cls.daemon.stop()
        cls.temporary.cleanup()

    @classmethod
    def ask_all(cls):
        """While the load goes on: whether each expression has data."""
        answers = {}
        for path in sorted((ROOT / "configs/grafana/generated").glob("*.json")):
            dashboard = json.loads(path.read_text())
            for where, target in dashboard_rules.targets(dashboard):
                expression = for_test(target["expr"])
                answers[f"{path.stem}: {where}", expression] = (
                    cls.prometheus.has_data(expression))
        for group in cls.prometheus.get("/api/v1/rules")["groups"]:
            for rule in group["rules"]:
                if rule["type"] == "recording":
                    answers[rule["name"], rule["query"]] = (
                        cls.prometheus.has_data(rule["name"]))
        return answers

    def families(self):
        """Type and labels of each metric, as exported."""
        types_, labels = {}, {}
        for line in self.exported.splitlines():
            kind = re.match(r"# TYPE (\w+) (\w+)", line)
            series = re.match(r"(\w+)(?:\{(.*)\})? ", line)
            if kind:
                types_[kind.group(1)] = kind.group(2)
            elif series and not line.startswith("#"):
                name = series.group(1)
                if name not in types_:
                    name = re.sub(r"_(bucket|count|sum)$", "", name)
                labels.setdefault(name, set()).update(
                    re.findall(r'(\w+)="', series.group(2) or ""))
        return {name: (types_[name], labels.get(name, set()) - {"le"})
                for name in types_}

    def knows_quality(self):
        return any(QUALITY.match(name) for name in self.families())

    def needs_quality(self, expression):
        return any(QUALITY.match(m) for m in promql.metrics(expression))

    def test_what_is_exported_is_what_is_documented(self):
        documented = metrics_page.documented(ROOT)
        families = self.families()
        self.assertGreater(len(families), 70)
        for name, (kind, labels) in families.items():
            self.assertIn(name, documented)
            self.assertEqual(kind, documented[name].type, name)
            self.assertLessEqual(labels, documented[name].labels, name)
        missing = set(documented) - set(families) - SELDOM
        self.assertEqual({m for m in missing if not QUALITY.match(m)}, set())

    def test_promtool_finds_nothing(self):
        result = subprocess.run(["promtool", "check", "metrics"],
                                input=self.exported, capture_output=True,
                                text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.assertEqual(result.stdout + result.stderr, "")

    def test_every_query_has_data(self):
        empty = [where for (where, expression), data in self.answers.items()
                 if not data and not self.needs_quality(expression)]
        self.assertEqual(empty, [])
        asked = [w for w, e in self.answers if not self.needs_quality(e)]
        self.assertGreater(len(asked), 80)

    def test_every_query_about_quality_has_data(self):
        if not self.knows_quality():
            self.skipTest("SKIPPED: the daemon tells nothing of quality")
        self.assertEqual(
            [where for (where, expression), data in self.answers.items()
             if not data and self.needs_quality(expression)], [])

    def test_rules_are_healthy_and_alerts_are_quiet(self):
        rules = [rule for group in self.prometheus.get("/api/v1/rules")["groups"]
                 for rule in group["rules"]]
        self.assertGreater(len(rules), 30)
        known = set(self.families()) | SELDOM | {"up"}
        known |= {rule["name"] for rule in rules}
        histograms = metrics_page.histograms(ROOT)
        for rule in rules:
            self.assertEqual(rule["health"], "ok", rule.get("lastError"))
            asked = {promql.base_name(m, histograms)
                     for m in promql.metrics(rule["query"])}
            self.assertLessEqual({m for m in asked if not QUALITY.match(m)},
                                 known, rule["name"])
            if rule["type"] == "alerting":
                self.assertNotEqual(rule["state"], "firing", rule["name"])

    def test_swaps_are_marked(self):
        dashboard = json.loads(
            (ROOT / "configs/grafana/generated/taud-freshness.json").read_text())
        now = time.time()
        for annotation in dashboard["annotations"]["list"]:
            marks = self.prometheus.get(
                "/api/v1/query_range", query=for_test(annotation["expr"]),
                start=now - 120, end=now, step=1)["result"]
            if annotation["name"] == "Swaps":
                self.assertTrue(marks)
            else:
                self.assertEqual(marks, [])


if __name__ == "__main__":
    sys.argv[1:] = []
    skips.main()
