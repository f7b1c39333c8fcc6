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


IMAGES = ("Dockerfile", "Dockerfile.gpu")


def instructions(name):
    """(keyword, rest) of a Dockerfile, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (DOCKER / name).read_text(), flags=re.M)
    text = text.replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line]


def stages(name):
    """The instructions of each stage, by what it is called; the last is ""."""
    found, current = {}, None
    for keyword, rest in instructions(name):
        if keyword == "FROM":
            current = re.match(r"(\S+)(?: AS (\S+))?$", rest).group(2) or ""
            found[current] = []
        found[current].append((keyword, rest))
    return found


class DockerTest(unittest.TestCase):
    def test_every_stage_is_of_a_pinned_image_or_of_a_stage_before(self):
        for name in IMAGES:
            known = set()
            for keyword, rest in instructions(name):
                if keyword == "FROM":
                    base, _, called = rest.partition(" AS ")
                    self.assertTrue(base in known or ":" in base, rest)
                    self.assertFalse(base.endswith(":latest"), rest)
                    known.add(called)
                source = re.match(r"--from=(\S+)", rest)
                if keyword == "COPY" and source:
                    self.assertIn(source.group(1), known, rest)
                self.assertNotEqual(keyword, "ADD", rest)

    def test_what_is_copied_from_the_sources_is_given_to_the_build(self):
        for name in IMAGES:
            for keyword, rest in instructions(name):
                if keyword != "COPY" or rest.startswith("--from"):
                    continue
                for source in rest.split()[:-1]:
                    self.assertTrue((ROOT / source).exists(), rest)
        for line in (ROOT / "docker/Dockerfile").read_text().splitlines():
            for path in re.findall(r"\b(?:deploy|web)/[\w./-]+", line):
                self.assertTrue((ROOT / path).exists(), path)

    def test_the_image_runs_as_a_user_and_is_looked_after(self):
        for name in IMAGES:
            parts = stages(name)
            last = dict(parts[""])
            self.assertEqual(last["USER"], "10001:10001", name)
            self.assertTrue(last["ENTRYPOINT"].startswith('["taud"'), name)
            self.assertIn('"tauctl"', last["HEALTHCHECK"], name)
            # Those who install leave no lists of packages behind.
            for stage in parts.values():
                for keyword, rest in stage:
                    if keyword == "RUN" and "apt-get update" in rest:
                        self.assertIn("rm -rf", rest, name)
                        self.assertIn("/var/lib/apt/lists/*", rest, name)

    def test_the_images_differ_in_cuda_alone(self):
        plain, gpu = stages("Dockerfile"), stages("Dockerfile.gpu")
        self.assertEqual(set(gpu) - set(plain), {"cuda"})
        self.assertEqual(plain["installed"], gpu["installed"])
        self.assertEqual(plain["sbom"], gpu["sbom"])

        def without_cuda(stage):
            return [(keyword, rest) for keyword, rest in stage
                    if "NVIDIA" not in rest and "cuda" not in rest
                    and "CUDA" not in rest and "GPU" not in rest]
        self.assertEqual(without_cuda(plain["build"]),
                         without_cuda(gpu["build"]))
        self.assertEqual(without_cuda(plain[""]), without_cuda(gpu[""]))

    def test_the_image_is_given_every_folder_that_is_built(self):
        given = {line[1:] for line in
                 (ROOT / ".dockerignore").read_text().splitlines()
                 if line.startswith("!")}
        cmake = (ROOT / "CMakeLists.txt").read_text()
        built = set(re.findall(r"add_subdirectory\((\w+)\)", cmake))
        self.assertGreater(len(built), 10)
        self.assertLessEqual(built - {"tests"}, given)
        self.assertIn("web/package-lock.json", given)  # of sbom.py
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
