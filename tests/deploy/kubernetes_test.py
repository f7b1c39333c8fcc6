#!/usr/bin/env python3
"""The manifests of deploy/kubernetes: what they say of taud is so.

usage: kubernetes_test.py SOURCE_DIR TAUD_BINARY VERSION
"""
import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import skips

ROOT = pathlib.Path(sys.argv[1])
BINARY, VERSION = sys.argv[2:4]
MANIFESTS = ROOT / "deploy" / "kubernetes" / "taud.yaml"


@unittest.skipUnless(importlib.util.find_spec("yaml"),
                     "SKIPPED: there is no python3-yaml")
class KubernetesTest(unittest.TestCase):
    def setUp(self):
        import yaml
        self.yaml = yaml
        self.all = list(yaml.safe_load_all(MANIFESTS.read_text()))
        self.pod = self.one("StatefulSet")["spec"]["template"]
        self.container = self.pod["spec"]["containers"][0]

    def one(self, kind, name="taud"):
        found = [m for m in self.all
                 if (m["kind"], m["metadata"]["name"]) == (kind, name)]
        self.assertEqual(len(found), 1, kind)
        return found[0]

    def test_taud_takes_the_configuration(self):
        text = self.one("ConfigMap")["data"]["taud.yaml"]
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            result = subprocess.run(
                [BINARY, "--config", file.name, "--check-config"],
                capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        ports = {p["name"]: p["containerPort"]
                 for p in self.container["ports"]}
        config = self.yaml.safe_load(text)["server"]
        self.assertEqual(config["grpc_address"], f'0.0.0.0:{ports["grpc"]}')
        self.assertEqual(config["http_address"], f'0.0.0.0:{ports["http"]}')

    def test_there_is_time_to_drain(self):
        config = self.yaml.safe_load(
            self.one("ConfigMap")["data"]["taud.yaml"])
        before = int(self.container["lifecycle"]["preStop"]["exec"]
                     ["command"][1])
        # Half a minute for the snapshot.
        self.assertGreaterEqual(
            self.pod["spec"]["terminationGracePeriodSeconds"],
            before + config["server"]["drain_seconds"] + 30)

    def test_everybody_selects_the_pod(self):
        labels = self.pod["metadata"]["labels"].items()
        selectors = [
            self.one("Service")["spec"]["selector"],
            self.one("Service", "taud-ingest")["spec"]["selector"],
            self.one("StatefulSet")["spec"]["selector"]["matchLabels"],
            self.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
            self.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        ]
        for selector in selectors:
            self.assertTrue(selector)
            self.assertLessEqual(selector.items(), labels)

    def test_an_empty_taud_can_be_fed(self):
        # It is not ready before, so the service must not wait for that.
        self.assertTrue(
            self.one("Service", "taud-ingest")["spec"]
            ["publishNotReadyAddresses"])
        self.assertEqual(self.one("StatefulSet")["spec"]["serviceName"],
                         "taud-ingest")

    def test_the_probes_ask_what_exists(self):
        protos = "".join(p.read_text() for p in
                         (ROOT / "proto" / "taud" / "v1").glob("*.proto"))
        service = self.container["readinessProbe"]["grpc"]["service"]
        self.assertTrue(service.startswith("taud.v1."))
        self.assertIn(f"service {service.rpartition('.')[2]} {{", protos)
        names = {p["name"] for p in self.container["ports"]}
        for probe in ("startupProbe", "livenessProbe"):
            self.assertIn(self.container[probe]["httpGet"]["port"], names)

    def test_the_image_is_the_one_that_is_built(self):
        self.assertEqual(self.container["image"], f"taud:{VERSION}")
        dockerfile = (ROOT / "docker" / "Dockerfile").read_text()
        user = re.search(r"^USER (\d+):(\d+)$", dockerfile, re.M)
        context = self.pod["spec"]["securityContext"]
        self.assertEqual((context["runAsUser"], context["runAsGroup"]),
                         (int(user.group(1)), int(user.group(2))))
        self.assertTrue(
            self.container["securityContext"]["readOnlyRootFilesystem"])


if __name__ == "__main__":
    skips.main()
