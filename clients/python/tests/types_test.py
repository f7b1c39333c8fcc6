#!/usr/bin/env python3
"""mypy, strict, finds nothing in the package as it is built.

usage: types_test.py SOURCE_DIR
Exits with 77, which is "skipped", without mypy, protobuf's stubs or protoc.
"""
import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[1])
PACKAGE = ROOT / "clients" / "python"

if not (importlib.util.find_spec("mypy") and shutil.which("grpc_python_plugin")
        and importlib.util.find_spec("google-stubs")):
    print("SKIPPED: there is no mypy, python3-typeshed "
          "or grpc_python_plugin")
    sys.exit(77)

with tempfile.TemporaryDirectory(prefix="taud-types-") as work:
    shutil.copytree(PACKAGE / "src" / "taud", pathlib.Path(work) / "taud")
    protos = sorted(str(p) for p in (ROOT / "proto/taud/v1").glob("*.proto"))
    subprocess.run(["protoc", f"-I{ROOT / 'proto'}", f"--pyi_out={work}",
                    f"--python_out={work}", f"--grpc_out={work}",
                    "--plugin=protoc-gen-grpc="
                    + str(shutil.which("grpc_python_plugin")), *protos],
                   check=True)
    # A program that uses the package: what it is told are types, not Any.
    use = pathlib.Path(work) / "use.py"
    use.write_text("""import taud
reveal_type(taud.Client().recommend("u").items[0].score)
reveal_type(taud.Client().status().serving.snapshot_version)
async def f() -> None:
    reveal_type(await taud.aio.Client().write([("u", "i")]))
""")
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file",
         str(PACKAGE / "mypy.ini"), "--cache-dir", "/dev/null", "-p", "taud"],
        cwd=work, capture_output=True, text=True)
    print(result.stdout, result.stderr)
    if result.returncode != 0 or "no issues" not in result.stdout:
        sys.exit(1)
    used = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file",
         str(PACKAGE / "mypy.ini"), "--cache-dir", "/dev/null", "use.py"],
        cwd=work, capture_output=True, text=True).stdout
    print(used)
    for told in ("builtins.float", "builtins.int"):
        if f'Revealed type is "{told}"' not in used:
            sys.exit(f"{told} is not revealed")
