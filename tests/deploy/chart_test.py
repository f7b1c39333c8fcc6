#!/usr/bin/env python3
"""The Helm chart: what it makes of its values, and what its schema refuses.

usage: chart_test.py SOURCE_DIR TAUD_BINARY
There is no Helm in Debian: render_chart.go stands for it.
"""
import base64
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import skips

ROOT = pathlib.Path(sys.argv[1])
BINARY = sys.argv[2]
CHART = ROOT / "deploy" / "helm" / "taud"
GOCODE = pathlib.Path("/usr/share/gocode/src")
HAS_GO = (shutil.which("go") and (GOCODE / "github.com/Masterminds/sprig").is_dir()
          and (GOCODE / "sigs.k8s.io/yaml").is_dir())
EVERYTHING = {
    "secrets": {"tokens.yaml": "a: b\n"},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True},
    "dashboards": {"enabled": True},
    "networkPolicy": {"from": [{"podSelector": {}, "namespaceSelector": {
        "matchLabels": {"team": "shop"}}}]},
    "image": {"digest": "sha256:" + "0" * 64, "pullSecrets": [{"name": "r"}]},
    "config": {"server": {"drain_seconds": 60}, "trainer": {"threads": 2}},
    "podAnnotations": {"a": "b"}, "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "x", "operator": "Exists"}],
    "priorityClassName": "high", "persistence": {"storageClass": "fast"},
    "audit": {"size": "1Gi"},
    "service": {"annotations": {"c": "d"}},
}


@unittest.skipUnless(HAS_GO and importlib.util.find_spec("yaml"),
                     "SKIPPED: there is no golang-go, "
                     "golang-github-masterminds-sprig-dev, "
                     "golang-k8s-sigs-yaml-dev or python3-yaml")
class ChartTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        import yaml
        cls.yaml = yaml
        cls.directory = tempfile.TemporaryDirectory(prefix="taud-chart-")
        cls.work = pathlib.Path(cls.directory.name)
        cls.environment = {**os.environ, "GO111MODULE": "off",
                           "GOPATH": "/usr/share/gocode",
                           "GOCACHE": str(cls.work / "cache")}
        subprocess.run(["go", "build", "-o", str(cls.work / "render_chart"),
                        str(ROOT / "tests/deploy/render_chart.go")],
                       check=True, env=cls.environment)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def rendered(self, values, release="taud"):
        file = self.work / "values.yaml"
        file.write_text(json.dumps(values))
        result = subprocess.run(
            [str(self.work / "render_chart"), str(CHART), release, "prod",
             str(file)], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        found = {}
        for manifest in self.yaml.safe_load_all(result.stdout):
            key = (manifest["kind"], manifest["metadata"]["name"])
            self.assertNotIn(key, found)
            found[key] = manifest
        return found

    def test_the_plain_manifests_are_the_chart_s(self):
        made = subprocess.run([ROOT / "deploy/kubernetes/render.sh"],
                              check=True, capture_output=True, text=True,
                              env=self.environment).stdout
        self.assertEqual(made,
                         (ROOT / "deploy/kubernetes/taud.yaml").read_text(),
                         "./dev manifests makes them anew")

    @unittest.skipUnless(
        shutil.which("node") and
        (ROOT / "tests/deploy/manifests/node_modules/yaml").is_dir(),
        "SKIPPED: npm ci --prefix tests/deploy/manifests")
    def test_kubernetes_schemas_hold(self):
        for values in ({}, EVERYTHING):
            text = "\n---\n".join(json.dumps(m)
                                  for m in self.rendered(values).values())
            result = subprocess.run(
                ["node", str(ROOT / "tests/deploy/manifests/validate.mjs")],
                input=text, capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_nothing_is_there_that_was_not_asked_for(self):
        self.assertEqual(
            sorted(kind for kind, _ in self.rendered({})),
            ["ConfigMap", "NetworkPolicy", "PodDisruptionBudget", "Service",
             "Service", "StatefulSet"])

    def test_values_from_before_the_audit_log_will_do(self):
        self.assertEqual(self.rendered({"audit": None}), self.rendered({}))

    def test_everything(self):
        all_of_it = self.rendered(EVERYTHING)
        pod = all_of_it["StatefulSet", "taud"]["spec"]["template"]
        spec = pod["spec"]
        self.assertEqual(spec["containers"][0]["image"],
                         "taud@sha256:" + "0" * 64)
        self.assertEqual(spec["terminationGracePeriodSeconds"], 5 + 60 + 30)
        secret = all_of_it["Secret", "taud"]["data"]["tokens.yaml"]
        self.assertEqual(base64.b64decode(secret), b"a: b\n")
        mounts = {m["name"]: m for m in spec["containers"][0]["volumeMounts"]}
        self.assertEqual(set(mounts), {v["name"] for v in spec["volumes"]}
                         | {"data", "audit"})
        claims = {c["metadata"]["name"]: c["spec"] for c in
                  all_of_it["StatefulSet", "taud"]["spec"]["volumeClaimTemplates"]}
        self.assertEqual(claims["data"]["storageClassName"], "fast")
        self.assertEqual(claims["audit"]["resources"]["requests"]["storage"],
                         "1Gi")
        self.assertEqual(mounts["secrets"]["mountPath"], "/etc/taud/secrets")
        rules = all_of_it["PrometheusRule", "taud"]["spec"]["groups"]
        expected = []
        for name in ("taud_recording.yml", "taud_alerts.yml"):
            expected += self.yaml.safe_load(
                (ROOT / "configs/prometheus" / name).read_text())["groups"]
        self.assertEqual(rules, expected)
        for path in (ROOT / "configs/grafana/generated").glob("*.json"):
            data = all_of_it["ConfigMap", path.stem]["data"]
            self.assertEqual(json.loads(data[path.name]),
                             json.loads(path.read_text()))

    def test_what_is_scraped_is_one_service_and_called_taud(self):
        all_of_it = self.rendered(EVERYTHING)
        monitor = all_of_it["ServiceMonitor", "taud"]["spec"]
        wanted = monitor["selector"]["matchLabels"].items()
        found = [m for (kind, _), m in all_of_it.items() if kind == "Service"
                 and wanted <= m["metadata"]["labels"].items()]
        self.assertEqual([m["metadata"]["name"] for m in found],
                         ["taud-ingest"])
        # The alerts ask for job="taud".
        self.assertEqual(found[0]["metadata"]["labels"][monitor["jobLabel"]],
                         "taud")
        self.assertIn(monitor["endpoints"][0]["port"],
                      {p["name"] for p in found[0]["spec"]["ports"]})

    def test_probes_speak_tls_when_taud_does(self):
        values = {"config": {"tls": {"certificate_file": "/a", "key_file": "/b"}}}
        for given, scheme in (({}, None), (values, "HTTPS")):
            pod = self.rendered(given)["StatefulSet", "taud"]["spec"]["template"]
            taud = pod["spec"]["containers"][0]
            for probe in ("startupProbe", "livenessProbe"):
                self.assertEqual(taud[probe]["httpGet"].get("scheme"), scheme)
            ready = taud["readinessProbe"]
            self.assertEqual("grpc" in ready, scheme is None)
            if scheme:
                self.assertEqual(ready["httpGet"], {
                    "path": "/readyz", "port": "http", "scheme": "HTTPS"})

    def test_a_release_of_another_name(self):
        all_of_it = self.rendered(EVERYTHING, "shop")
        for kind, name in all_of_it:
            self.assertTrue(name.startswith("shop-taud"), (kind, name))
        claims = all_of_it["StatefulSet", "shop-taud"]["spec"]
        self.assertEqual(claims["serviceName"], "shop-taud-ingest")

    def test_a_pod_is_replaced_when_what_it_reads_has_changed(self):
        def sums(values):
            stateful = self.rendered(values)["StatefulSet", "taud"]
            return stateful["spec"]["template"]["metadata"]["annotations"]
        one = sums({"secrets": {"a": "b"}})
        self.assertEqual(one, sums({"secrets": {"a": "b"},
                                    "serviceMonitor": {"enabled": True}}))
        other = sums({"secrets": {"a": "c"}, "config": {"log": {"level": "debug"}}})
        for name in ("checksum/config", "checksum/secrets"):
            self.assertNotEqual(one[name], other[name])

    def test_taud_takes_the_configuration(self):
        text = self.rendered(EVERYTHING)["ConfigMap", "taud"]["data"]["taud.yaml"]
        file = self.work / "taud.yaml"
        file.write_text(text)
        result = subprocess.run([BINARY, "--config", str(file),
                                 "--check-config"],
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        config = self.yaml.safe_load(text)
        self.assertEqual(config["server"]["drain_seconds"], 60)
        self.assertEqual(config["store"]["data_dir"], "/var/lib/taud")
        self.assertEqual(config["audit"]["file"], "/var/log/taud/audit.log")


@unittest.skipUnless(importlib.util.find_spec("yaml") and
                     importlib.util.find_spec("jsonschema"),
                     "SKIPPED: there is no python3-yaml or python3-jsonschema")
class SchemaTest(unittest.TestCase):
    def setUp(self):
        import jsonschema
        import yaml
        self.values = yaml.safe_load((CHART / "values.yaml").read_text())
        schema = json.loads((CHART / "values.schema.json").read_text())
        jsonschema.Draft7Validator.check_schema(schema)
        self.validator = jsonschema.Draft7Validator(schema)

    def overlaid(self, over):
        def merge(under, over):
            return {**under, **{
                k: merge(under[k], v) if isinstance(v, dict)
                and isinstance(under.get(k), dict) else v
                for k, v in over.items()}}
        return merge(self.values, over)

    def test_values_are_taken(self):
        for over in ({}, EVERYTHING, {"existingSecret": "x"},
                     {"nameOverride": "x"}):
            errors = list(self.validator.iter_errors(self.overlaid(over)))
            self.assertEqual(errors, [], over)

    def test_mistakes_are_refused(self):
        for over in ({"replicas": 3}, {"image": {"digest": "latest"}},
                     {"image": {"repository": ""}},
                     {"image": {"pullPolicy": "Sometimes"}},
                     {"config": {"server": {"grpc_address": "x:1"}}},
                     {"config": {"server": {"drain_seconds": "30"}}},
                     {"config": {"store": {"data_dir": "/tmp"}}},
                     {"config": {"trainer": 3}},
                     {"persistence": {"size": "much"}},
                     {"audit": {"size": "much"}},
                     {"serviceMonitor": {"enabled": "yes"}},
                     {"serviceMonitor": {"interval": "15"}},
                     {"secrets": {"a": 3}}, {"preStopSeconds": -1}):
            self.assertTrue(
                list(self.validator.iter_errors(self.overlaid(over))), over)


if __name__ == "__main__":
    skips.main()
