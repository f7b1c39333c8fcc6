#!/usr/bin/env python3
"""deploy/sbom.py: what the package and the image are made of.

usage: sbom_test.py SOURCE_DIR TAUD
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import skips

ROOT = pathlib.Path(sys.argv[1])
TAUD = sys.argv[2]
STATUS = """Package: libfoo2
Status: install ok installed
Version: 1:2.0+dfsg-3~deb12u1
Architecture: amd64

Package: gone
Status: deinstall ok config-files
Version: 1.0
Architecture: amd64

Package: taud
Status: install ok installed
Version: 0.1.0-1
Architecture: amd64
"""


class SbomTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="taud-sbom-")
        self.addCleanup(self.directory.cleanup)
        self.path = pathlib.Path(self.directory.name)

    def sbom(self, *what):
        out = self.path / "out.json"
        subprocess.run([sys.executable, ROOT / "deploy/sbom.py", "0.1.0",
                        "2026-11-27", ROOT / "web/package-lock.json", out,
                        *map(str, what)], check=True)
        return json.loads(out.read_text())

    def check(self, document):
        """What SPDX 2.3 asks for."""
        self.assertEqual(document["spdxVersion"], "SPDX-2.3")
        self.assertEqual(document["creationInfo"]["created"],
                         "2026-11-27T00:00:00Z")
        self.assertRegex(document["documentNamespace"], "^https://[^#]+$")
        ids = [p["SPDXID"] for p in document["packages"]]
        self.assertEqual(len(ids), len(set(ids)))
        for name in ids:
            self.assertRegex(name, r"^SPDXRef-[A-Za-z0-9.-]+$")
        for r in document["relationships"]:
            self.assertIn(r["spdxElementId"], ids + ["SPDXRef-DOCUMENT"])
            self.assertIn(r["relatedSpdxElement"], ids)
        for package in document["packages"]:
            for ref in package.get("externalRefs", []):
                self.assertRegex(ref["referenceLocator"],
                                 r"^pkg:[a-z]+/[^ +:]+@[^ +:]+$")
        related = {r["relatedSpdxElement"] for r in document["relationships"]}
        self.assertEqual(related, set(ids))

    def names(self, document, kind):
        by_id = {p["SPDXID"]: p["name"] for p in document["packages"]}
        return {by_id[r["relatedSpdxElement"]]
                for r in document["relationships"]
                if r["relationshipType"] == kind}

    @unittest.skipUnless(shutil.which("dpkg-query") and shutil.which("readelf"),
                         "SKIPPED: there is no dpkg-query or no readelf")
    def test_the_package_names_what_the_program_is_linked_with(self):
        document = self.sbom(TAUD)
        self.check(document)
        shared = self.names(document, "DYNAMIC_LINK")
        for part in ("libgrpc", "libtorch", "libprotobuf", "libopenblas",
                     "libssl", "libc6"):
            self.assertTrue(any(name.startswith(part) for name in shared), part)
        self.assertEqual(self.names(document, "CONTAINS"), {"uplot"})
        for package in document["packages"]:
            self.assertIn("versionInfo", package)

    def test_a_program_without_libraries_is_refused(self):
        program = self.path / "program"
        program.write_text("not one")
        with self.assertRaises(subprocess.CalledProcessError):
            self.sbom(program)

    def test_what_is_compiled_in_is_what_the_notice_says(self):
        notice = (ROOT / "NOTICE").read_text()
        table = re.findall(r"^  \S.*  (shared|static|headers)$", notice, re.M)
        compiled_in = [how for how in table if how != "shared"]
        document = self.sbom(TAUD)
        self.assertEqual(len(self.names(document, "STATIC_LINK")),
                         len(compiled_in))

    def test_the_image_names_every_package_that_is_installed_in_it(self):
        (self.path / "var/lib/dpkg").mkdir(parents=True)
        (self.path / "var/lib/dpkg/status").write_text(STATUS)
        (self.path / "etc").mkdir()
        (self.path / "etc/os-release").write_text(
            'PRETTY_NAME="Debian"\nVERSION_ID="12"\nID=debian\n')
        document = self.sbom("--image", self.path)
        self.check(document)
        self.assertEqual(self.names(document, "CONTAINS"),
                         {"libfoo2", "taud", "uplot"})
        foo = next(p for p in document["packages"] if p["name"] == "libfoo2")
        self.assertEqual(
            foo["externalRefs"][0]["referenceLocator"],
            "pkg:deb/debian/libfoo2@1%3A2.0%2Bdfsg-3~deb12u1"
            "?arch=amd64&distro=debian-12")


if __name__ == "__main__":
    skips.main()
