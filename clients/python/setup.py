"""Makes the stubs of the API from the protos while the package is built.

With grpcio-tools if that is there, else with protoc and grpc_python_plugin as
Debian has them.
"""
import importlib.util
import pathlib
import shutil
import subprocess
import sys

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent
# In a checkout, and in an archive of the sources.
PROTOS = next((p for p in (HERE / "proto", HERE.parents[1] / "proto")
               if (p / "taud" / "v1").is_dir()), None)


def compiler():
    if importlib.util.find_spec("grpc_tools"):
        return [sys.executable, "-m", "grpc_tools.protoc", "--grpc_python_out"]
    plugin = shutil.which("grpc_python_plugin")
    if not shutil.which("protoc") or not plugin:
        raise SystemExit("the stubs need grpcio-tools, or protoc and "
                         "grpc_python_plugin (Debian: protobuf-compiler, "
                         "protobuf-compiler-grpc)")
    return ["protoc", f"--plugin=protoc-gen-grpc={plugin}", "--grpc_out"]


def make_stubs(out):
    if PROTOS is None:
        raise SystemExit("no proto/taud/v1 beside the package")
    *command, grpc_out = compiler()
    files = sorted(str(p) for p in (PROTOS / "taud" / "v1").glob("*.proto"))
    subprocess.run([*command, f"-I{PROTOS}", f"--python_out={out}",
                    f"--pyi_out={out}", f"{grpc_out}={out}", *files],
                   check=True)
    (pathlib.Path(out) / "taud" / "v1" / "__init__.py").touch()


class BuildPy(build_py):
    def run(self):
        super().run()
        make_stubs(self.build_lib)


class Sdist(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        shutil.copytree(PROTOS / "taud" / "v1",
                        pathlib.Path(base_dir) / "proto" / "taud" / "v1",
                        dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildPy, "sdist": Sdist})
