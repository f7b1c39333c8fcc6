#!/usr/bin/env python3
"""The API and the configuration stay compatible with the last release.

tests/proto/released.binpb is the image of proto/ at the last release; buf says
what programs written against it would stumble over. `./dev release-api` writes
it anew, when a release is made.

usage: compatibility_test.py SOURCE_DIR
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(ROOT / "tests" / "deploy"))
import skips  # noqa: E402

FOLDER = ROOT / "tests" / "proto"
BUF = FOLDER / "node_modules" / ".bin" / "buf"


def buf(*arguments):
    result = subprocess.run([str(BUF), *map(str, arguments)],
                            capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


@unittest.skipUnless(BUF.exists(), "SKIPPED: buf is missing: ./dev install")
class CompatibilityTest(unittest.TestCase):
    def breaks(self, proto):
        return buf("breaking", proto, "--against", FOLDER / "released.binpb")

    def changed(self, file, old, new):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        proto = pathlib.Path(folder.name) / "proto"
        shutil.copytree(ROOT / "proto", proto)
        path = proto / "taud" / "v1" / file
        text = path.read_text()
        self.assertEqual(text.count(old), 1, old)
        path.write_text(text.replace(old, new))
        return proto

    def test_the_files_are_as_buf_wants_them(self):
        self.assertEqual(buf("lint", ROOT / "proto"), (0, ""))

    def test_nothing_is_broken(self):
        self.assertEqual(self.breaks(ROOT / "proto"), (0, ""))

    def test_a_renumbered_field_is_seen(self):
        status, said = self.breaks(self.changed(
            "recommendation_service.proto", "string user_id = 1;",
            "string user_id = 91;"))
        self.assertNotEqual(status, 0)
        self.assertIn("RecommendRequest", said)

    def test_a_method_that_is_gone_is_seen(self):
        status, said = self.breaks(self.changed(
            "model_service.proto",
            "rpc Pause(PauseRequest) returns (PauseResponse);", ""))
        self.assertNotEqual(status, 0)
        self.assertIn("Pause", said)

    def test_what_is_added_breaks_nothing(self):
        self.assertEqual(self.breaks(self.changed(
            "model_service.proto", "message PauseRequest {}",
            "message PauseRequest { string why = 1; }")), (0, ""))


if __name__ == "__main__":
    skips.main()
