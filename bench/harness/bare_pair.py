"""What a client that waits for each transaction gets at most: two processes that do nothing but exchange a
message and sync a page for it (bench/bare_pair.c)."""

import shutil
import subprocess

from .errors import BenchError
from .settings import ROOT

_SOURCE = ROOT / "bench/bare_pair.c"


def measure(folder, seconds):
    """Messages a second, with the page in a file in the folder."""
    compiler = shutil.which("clang") or shutil.which("cc")
    if compiler is None:
        raise BenchError(f"there is no C compiler for {_SOURCE}: expected clang or cc")
    program = folder / "bare_pair"
    _run(compiler, "-O2", "-o", program, _SOURCE)
    return float(_run(program, folder, str(seconds)))


def _run(*command):
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise BenchError(f"the bare pair failed: {result.stderr.strip()}")
    return result.stdout
