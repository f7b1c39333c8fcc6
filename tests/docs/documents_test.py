#!/usr/bin/env python3
"""Runs the commands of the documents, in their order, against a real daemon; and
looks whether what they link to is there.

usage: documents_test.py SOURCE_DIR TAUD_BINARY
A block is run if `<!-- tested: sh -->`, python or node stands before it. A document
has one daemon and one directory. The package `taud`, built, is on PYTHONPATH; node's
is clients/node, if it was built.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1]).resolve()
BINARY = pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(ROOT / "tests" / "e2e"))
from daemon_process import DaemonProcess  # noqa: E402

BLOCK = re.compile(r"<!-- tested: (\w+) -->\n```\w+\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)")
DOCUMENTS = sorted(ROOT.glob("docs/*.md")) + [ROOT / "README.md"] + sorted(
    ROOT.glob("clients/*/README.md"))
HAS_NODE = (shutil.which("node") is not None and
            (ROOT / "clients/node/dist/index.js").exists())


def commands(kind, text):
    """What runs a block."""
    if kind == "sh":
        # Of curl only what is no answer is a failure: errors are shown, too.
        return ["bash", "-euo", "pipefail", "-c", text]
    if kind == "python":
        return [sys.executable, "-c", text]
    return ["node", "--input-type=module", "-e", text]


class DocumentsTest(unittest.TestCase):
    def run_blocks(self, document):
        """How many were run, and left out."""
        blocks = BLOCK.findall(document.read_text(encoding="utf-8"))
        if not blocks:
            return 0, 0
        ran = 0
        with tempfile.TemporaryDirectory(prefix="taud-docs-") as place:
            work = pathlib.Path(place) / "work"
            (work / "node_modules").mkdir(parents=True)
            (work / "node_modules" / "taud").symlink_to(ROOT / "clients/node")
            with DaemonProcess(str(BINARY), f"{place}/data") as daemon:
                environment = {
                    **os.environ, "TAUD_SERVER": daemon.address,
                    "PATH": f"{BINARY.parent}:{os.environ['PATH']}"}
                for kind, text in blocks:
                    if kind == "node" and not HAS_NODE:
                        continue
                    here = text.replace("localhost:9464",
                                        f"127.0.0.1:{daemon.http_port}")
                    here = here.replace("localhost:50051", daemon.address)
                    with self.subTest(document=document.name, block=text):
                        result = subprocess.run(
                            commands(kind, here), cwd=work, env=environment,
                            capture_output=True, text=True, timeout=60)
                        self.assertEqual(result.returncode, 0, result.stderr)
                        self.check_answer(kind, text, result.stdout)
                    ran += 1
        return ran, len(blocks) - ran

    def check_answer(self, kind, text, out):
        if kind == "sh" and "curl" in text:
            # Errors are only where the document is about them.
            self.assertEqual('"code":' in out, '"k": 0' in text, out)
        elif kind == "node":
            self.assertNotIn("false", out)

    def test_commands(self):
        ran = skipped = 0
        for document in DOCUMENTS:
            one, other = self.run_blocks(document)
            ran, skipped = ran + one, skipped + other
        print(f"{ran} blocks of the documents were run, {skipped} left out "
              "for want of node or its package", flush=True)
        self.assertGreater(ran, 12)

    def test_links(self):
        for document in DOCUMENTS:
            text = document.read_text(encoding="utf-8")
            for path, anchor in LINK.findall(text):
                if path.startswith(("http:", "https:")):
                    continue
                to = (document.parent / path) if path else document
                with self.subTest(document=document.name, link=path + anchor):
                    self.assertTrue(to.exists())
                    if anchor and to.suffix == ".md":
                        self.assertIn(anchor[1:], anchors(to))


def anchors(document):
    """Of its headings, as GitHub names them, and of explicit ones."""
    text = document.read_text(encoding="utf-8")
    found = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        plain = re.sub(r"[`*]", "", heading).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).replace(" ", "-"))
    return found


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
