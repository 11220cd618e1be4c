#!/usr/bin/env python3
"""Counts the instructions that each stage takes for a transaction, and holds them to thresholds.

Instructions are repeatable where times are not: the same binary on the same input counts the same,
whatever else the machine does. A threshold in bench/instructions.json is some percent above what was
measured when it was set; when a stage breaks it, the failure names the stage.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
THRESHOLDS = ROOT / "bench" / "instructions.json"
TRANSACTIONS = re.compile(r"(\d+) transactions")
COLLECTED = re.compile(r"Collected : (\d+)")


def count(binary: Path, stage: str) -> float:
    """The instructions of one stage for each transaction."""
    function = "stage" + stage.capitalize()
    with tempfile.TemporaryDirectory() as folder:
        # valgrind gives up on debug information that is newer than itself; it needs the symbols only.
        stripped = f"{folder}/{binary.name}"
        subprocess.run(["strip", "--strip-debug", "-o", stripped, str(binary)], check=True)
        run = subprocess.run(
            [
                "valgrind", "--tool=callgrind", f"--toggle-collect=*{function}*",
                f"--callgrind-out-file={folder}/out", stripped, str(ROOT / "examples/bank.yaml"),
            ],
            capture_output=True, text=True, check=False,
        )
    transactions = TRANSACTIONS.search(run.stdout)
    collected = COLLECTED.search(run.stderr)
    if run.returncode != 0 or not transactions or not collected:
        sys.exit(f"stage {stage}: callgrind failed\n{run.stdout}{run.stderr}")
    return int(collected[1]) / int(transactions[1])


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("expected the folder of the built binaries")
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed: apt-get install valgrind")
    binary = Path(sys.argv[1]) / "instruction-benchmark"
    thresholds = json.loads(THRESHOLDS.read_text())["instructions_per_transaction_max"]
    broken = []
    for stage, most in thresholds.items():
        measured = count(binary, stage)
        print(f"{stage:10} {measured:8.1f} instructions a transaction, at most {most}")
        if measured == 0 or measured > most:
            broken.append(f"{stage}: {measured:.1f} instructions a transaction, expected at most {most}")
    if broken:
        sys.exit("\n".join(broken))


if __name__ == "__main__":
    main()
