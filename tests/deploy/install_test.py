#!/usr/bin/env python3
"""What `cmake --install` puts where, and the scripts of the Debian package.

usage: install_test.py BUILD_DIR
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import skips

BUILD = sys.argv[1]
DEBIAN = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "debian"


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="taud-install-")
        cls.root = pathlib.Path(cls.directory.name)
        subprocess.run(["cmake", "--install", BUILD, "--prefix", "/usr"],
                       check=True, capture_output=True,
                       env={"DESTDIR": str(cls.root), "PATH": "/usr/bin:/bin"})

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def test_nothing_is_missing(self):
        for path in ("usr/bin/taud", "usr/bin/tauctl", "usr/bin/tauctl-lab",
                     "etc/taud/taud.yaml",
                     "usr/share/man/man8/taud.8.gz",
                     "usr/share/man/man5/taud.yaml.5.gz",
                     "usr/share/man/man1/tauctl.1.gz",
                     "usr/share/bash-completion/completions/tauctl",
                     "usr/share/zsh/vendor-completions/_tauctl",
                     "usr/share/fish/vendor_completions.d/tauctl.fish",
                     "usr/share/taud/prometheus/taud_alerts.yml",
                     "usr/share/taud/grafana/taud-overview.json",
                     "usr/share/taud/haproxy/haproxy.cfg",
                     "usr/share/doc/taud/NOTICE",
                     "usr/share/doc/taud/taud.spdx.json",
                     "usr/share/doc/taud/copyright"):
            self.assertTrue((self.root / path).is_file(), path)
        self.assertEqual(len(list(self.root.glob("**/taud.service"))), 1)

    def test_the_installed_programs_run(self):
        for name in ("taud", "tauctl"):
            result = subprocess.run([self.root / "usr/bin" / name, "--version"],
                                    check=True, capture_output=True, text=True)
            self.assertRegex(result.stdout,
                             rf"^{name} \d+\.\d+\.\d+ \(commit \S+\)$")

    def test_the_configuration_is_good_and_keeps_data_in_its_place(self):
        config = self.root / "etc/taud/taud.yaml"
        subprocess.run([self.root / "usr/bin/taud", "--config", config,
                        "--check-config"], check=True, capture_output=True)
        self.assertIn('data_dir: "/var/lib/taud"', config.read_text())

    def test_every_program_has_a_build_id(self):
        for name in ("taud", "tauctl", "tauctl-lab"):
            notes = subprocess.run(
                ["readelf", "-n", self.root / "usr/bin" / name], check=True,
                capture_output=True, text=True).stdout
            self.assertIn("Build ID:", notes)


class ScriptsTest(unittest.TestCase):
    def test_what_the_package_has_in_etc_is_a_conffile(self):
        self.assertEqual((DEBIAN / "conffiles").read_text(),
                         "/etc/taud/taud.yaml\n")

    @unittest.skipUnless(shutil.which("shellcheck"),
                         "SKIPPED: there is no shellcheck")
    def test_shellcheck(self):
        scripts = [DEBIAN / name for name in ("postinst", "prerm", "postrm")]
        result = subprocess.run(["shellcheck", "-s", "sh", *scripts],
                                capture_output=True, text=True)
        self.assertEqual(result.stdout, "")


if __name__ == "__main__":
    skips.main()
