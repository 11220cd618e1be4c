#!/usr/bin/env python3
"""Counts the instructions that each stage takes for a transaction, and holds them to thresholds.

Instructions are repeatable where times are not: the same binary on the same input counts the same,
whatever else the machine does. A threshold in bench/instructions.json is some percent above what was
measured when it was set; when a stage breaks it, the failure names the stage.
"""

import json
import sys

from harness import command
from harness.engine import EngineBenchmark
from harness.errors import BenchError
from harness.settings import ROOT

THRESHOLDS = ROOT / "bench" / "instructions.json"


def main():
    if len(sys.argv) != 2:
        raise BenchError("expected the folder of the built binaries")
    benchmark = EngineBenchmark(sys.argv[1])
    broken = []
    for load, held in json.loads(THRESHOLDS.read_text()).items():
        schema = ROOT / held["schema"]
        for stage, most in held["instructions_per_transaction_max"].items():
            measured = benchmark.instructions(stage, load, schema, held["entities"])
            line = f"{load}, {stage}: {measured:.1f} instructions a transaction"
            print(f"{line}, at most {most}")
            if measured == 0 or measured > most:
                broken.append(f"{line}, expected at most {most}")
    if broken:
        raise BenchError("\n".join(broken))


if __name__ == "__main__":
    command.run(main)
