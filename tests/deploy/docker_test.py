#!/usr/bin/env python3
"""The files of docker/: what the image is built of, what is mounted.

usage: docker_test.py SOURCE_DIR
"""
import importlib.util
import pathlib
import re
import sys
import unittest

import skips

ROOT = pathlib.Path(sys.argv[1])
DOCKER = ROOT / "docker"


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


if __name__ == "__main__":
    skips.main()
