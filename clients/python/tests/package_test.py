#!/usr/bin/env python3
"""The wheel, and the archive of the sources that another wheel is made of.

usage: package_test.py SOURCE_DIR
"""
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

SOURCES = pathlib.Path(sys.argv[1])


def wheel_in(folder):
    return next(pathlib.Path(folder, "dist").glob("taud-*-py3-none-any.whl"))


def build(folder, *commands):
    subprocess.run([sys.executable, "setup.py", "-q", *commands], cwd=folder,
                   check=True, capture_output=True)


class PackageTest(unittest.TestCase):
    def test_the_wheel_and_the_sources(self):
        with tempfile.TemporaryDirectory(prefix="taud-wheel-") as directory:
            package = pathlib.Path(directory, "clients", "python")
            shutil.copytree(SOURCES / "clients" / "python", package)
            shutil.copytree(SOURCES / "proto", pathlib.Path(directory, "proto"))
            build(package, "sdist", "bdist_wheel")
            names = zipfile.ZipFile(wheel_in(package)).namelist()
            for name in ("taud/client.py", "taud/py.typed",
                         "taud/v1/types_pb2.py", "taud/v1/types_pb2.pyi",
                         "taud/v1/ingestion_service_pb2_grpc.py"):
                self.assertIn(name, names)
            archive = next((package / "dist").glob("taud-*.tar.gz"))
            elsewhere = pathlib.Path(directory, "elsewhere")
            with tarfile.open(archive) as tar:
                tar.extractall(elsewhere)
            again = next(elsewhere.iterdir())
            build(again, "bdist_wheel")
            self.assertEqual(
                sorted(zipfile.ZipFile(wheel_in(again)).namelist()),
                sorted(names))


if __name__ == "__main__":
    for module in ("setuptools", "wheel"):
        if importlib.util.find_spec(module) is None:
            print(f"SKIPPED: there is no {module} for {sys.executable}")
            sys.exit(77)
    unittest.main(argv=[sys.argv[0]], verbosity=2)
