#!/usr/bin/env python3
"""The files of docker/: what the image is built of, what Prometheus and Grafana
ask for.

usage: docker_test.py SOURCE_DIR
"""
import importlib.util
import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import skips

ROOT = pathlib.Path(sys.argv[1])
DOCKER = ROOT / "docker"


def known_metrics():
    names = set()
    for line in (ROOT / "docs" / "metrics.md").read_text().splitlines():
        found = re.match(r"\| `(taud_\w+)` \| (\w+)", line)
        if found:
            names.add(found.group(1))
            if found.group(2) == "histogram":
                names.add(found.group(1) + "_bucket")
    return names


class DockerTest(unittest.TestCase):
    def test_the_image_is_given_every_folder_that_is_built(self):
        given = {line[1:] for line in
                 (ROOT / ".dockerignore").read_text().splitlines()
                 if line.startswith("!")}
        cmake = (ROOT / "CMakeLists.txt").read_text()
        built = set(re.findall(r"add_subdirectory\((\w+)\)", cmake))
        self.assertGreater(len(built), 10)
        self.assertLessEqual(built - {"tests"}, given)
        for name in given:
            self.assertTrue((ROOT / name).exists(), name)

    def test_every_metric_that_is_asked_for_exists(self):
        known = known_metrics()
        self.assertGreater(len(known), 40)
        for file in ("prometheus/rules.yml", "grafana/dashboards/taud.json"):
            asked = set(re.findall(r"taud_\w+", (DOCKER / file).read_text()))
            self.assertTrue(asked)
            self.assertLessEqual(asked, known, file)

    def test_every_panel_says_what_it_shows_of_which_daemon(self):
        dashboard = json.loads(
            (DOCKER / "grafana" / "dashboards" / "taud.json").read_text())
        self.assertFalse(dashboard["editable"])
        for panel in dashboard["panels"]:
            self.assertTrue(panel["title"] and panel["description"])
            self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
            self.assertEqual(panel["datasource"]["uid"], "${datasource}")
            for target in panel["targets"]:
                self.assertIn('job=~"$job"', target["expr"])
                self.assertIn('instance=~"$instance"', target["expr"])

    @unittest.skipUnless(importlib.util.find_spec("yaml"),
                         "SKIPPED: there is no python3-yaml")
    def test_the_files_that_compose_mounts_exist(self):
        import yaml
        compose = yaml.safe_load((DOCKER / "compose.yaml").read_text())
        self.assertEqual(set(compose["services"]),
                         {"taud", "prometheus", "grafana"})
        for name, service in compose["services"].items():
            self.assertTrue(all(p.startswith("127.0.0.1:")
                                for p in service["ports"]), name)
            for volume in service["volumes"]:
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((DOCKER / source).exists(), source)
                else:
                    self.assertIn(source, compose["volumes"])
        build = compose["services"]["taud"]["build"]
        self.assertTrue((DOCKER / build["context"]
                         / build["dockerfile"]).is_file())

    @unittest.skipUnless(shutil.which("promtool"),
                         "SKIPPED: there is no promtool")
    def test_prometheus_takes_its_configuration(self):
        result = subprocess.run(
            ["promtool", "check", "config", DOCKER / "prometheus"
             / "prometheus.yml"], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    skips.main()
