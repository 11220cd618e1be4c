"""The engine's stages without a server: how long they take, and how many instructions."""

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from .errors import BenchError

_COLLECTED = re.compile(r"Collected : (\d+)")


class EngineBenchmark:
    """`binary` as the two ways of running it: plainly, and under callgrind."""

    def __init__(self, binaries):
        self._binary = Path(binaries) / "engine-benchmark"
        if not self._binary.exists():
            raise BenchError(f"{self._binary} is missing: build it with 'make build'")

    def nanoseconds(self, load, schema, entities, batches, rounds=5):
        """For each stage the best and the median batch of the quietest round, in nanoseconds a
        transaction: a round takes less than a second, and a shared machine has louder ones."""
        command = [self._binary, load, schema, str(entities), str(batches)]
        results = [
            _result(subprocess.run(command, capture_output=True, text=True, check=False))["ns"]
            for _ in range(rounds)
        ]
        return min(results, key=lambda stages: stages["evaluate"]["median"])

    def instructions(self, stage, load, schema, entities, batches=5):
        """Of one stage, for each transaction."""
        if not shutil.which("valgrind"):
            raise BenchError("valgrind is not installed: apt-get install valgrind")
        function = "stage" + stage.capitalize()
        with tempfile.TemporaryDirectory() as folder:
            # valgrind gives up on debug information that is newer than itself; it needs the symbols
            # only.
            stripped = f"{folder}/{self._binary.name}"
            subprocess.run(["strip", "--strip-debug", "-o", stripped, self._binary], check=True)
            run = subprocess.run(
                [
                    "valgrind", "--tool=callgrind", f"--toggle-collect=*{function}*",
                    f"--callgrind-out-file={folder}/out",
                    stripped, load, schema, str(entities), str(batches),
                ],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        collected = _COLLECTED.search(run.stderr)
        if not collected:
            raise BenchError(f"stage {stage}: callgrind failed\n{run.stdout}{run.stderr}")
        return int(collected[1]) / _result(run)["transactions"]


def _result(run):
    if run.returncode != 0:
        raise BenchError(f"{run.args}: code {run.returncode}\n{run.stdout}{run.stderr}")
    return json.loads(run.stdout)
