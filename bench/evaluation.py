#!/usr/bin/env python3
"""What evaluating a transaction costs in the writer: a transfer, and a limit over a total.

The writer's work alone, on one thread, without sockets and without a disk: arguments bound, rows found,
rules judged, totals and journal columns kept. Times are of the plain binary, instructions of the same
one under callgrind. Two things are checked: how long a transfer takes, and that a limit over the seats
of 1,000,000 teams takes as many instructions as one over 10.

What the limit takes is the difference between `add_seats` with it and without. The rest of `add_seats`
does depend on the number of teams: rows are looked up ahead so that the waits for memory overlap, and
those that are left take time.
"""

import argparse
import json
import os
from pathlib import Path

from harness import command, machine
from harness.engine import EngineBenchmark
from harness.settings import OUT, ROOT

BANK = ROOT / "examples/bank.yaml"
LIMITED = ROOT / "examples/seats.yaml"
UNLIMITED = ROOT / "bench/evaluation/seats-unlimited.yaml"
ACCOUNTS = 10_000
TEAMS = (10, 1_000, 100_000, 1_000_000)
TRANSFER_NANOSECONDS_MAX = 150
DIFFERENCE_MAX = 0.03


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("binaries", type=Path, help="the folder of the built binaries")
    parser.add_argument("--batches", type=int, default=300, help="timed ones, of 8,000 (300)")
    parser.add_argument("--json", type=Path, default=OUT / "evaluation.json", metavar="FILE")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    benchmark = EngineBenchmark(arguments.binaries)
    host = machine.describe(ROOT)
    load_average = os.getloadavg()[0]
    print(f"machine      {machine.in_words(host)}")
    print(f"load         {load_average:.2f} before the start; times mean little beyond 0.5")
    print(f"{'':34}{'ns, best':>10}{'ns, median':>12}{'instructions':>14}")

    def measure(name, load, schema, entities):
        times = benchmark.nanoseconds(load, schema, entities, arguments.batches)["evaluate"]
        count = benchmark.instructions("evaluate", load, schema, entities)
        print(f"{name:34}{times['best']:10.0f}{times['median']:12.0f}{count:14.1f}")
        return {
            "entities": entities, "ns_best": times["best"], "ns_median": times["median"],
            "instructions": count,
        }  # fmt: skip

    transfer = measure(f"transfer, {ACCOUNTS:,} accounts", "transfer", BANK, ACCOUNTS)
    limited = [measure(f"limit over {n:,} teams", "seats", LIMITED, n) for n in TEAMS]
    unlimited = [measure(f"no limit, {n:,} teams", "seats", UNLIMITED, n) for n in TEAMS]
    limits = [a["instructions"] - b["instructions"] for a, b in zip(limited, unlimited)]
    failures = [
        reason
        for reason in (judge_transfer(transfer), judge_total(limits, limited))
        if reason is not None
    ]
    report = {
        "machine": host, "load_average": load_average, "transfer": transfer, "limited": limited,
        "unlimited": unlimited, "limit_instructions": limits, "failures": failures,
    }  # fmt: skip
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    print(f"report       {arguments.json}")
    for failure in failures:
        print(f"failed       {failure}")
    return 1 if failures else 0


def judge_transfer(transfer):
    """The reason if a transfer takes too long, otherwise None."""
    median = transfer["ns_median"]
    print(f"transfer     {median:.0f} ns in the median, expected at most {TRANSFER_NANOSECONDS_MAX}")
    if median <= TRANSFER_NANOSECONDS_MAX:
        return None
    return f"a transfer took {median:.0f} ns, expected at most {TRANSFER_NANOSECONDS_MAX}"


def judge_total(limits, limited):
    """The reason if the limit over the most teams takes more than that over the fewest."""
    growth = round(limits[-1] / limits[0] - 1, 4) + 0.0
    whole = limited[-1]["instructions"] / limited[0]["instructions"] - 1
    print(
        f"limit        {limits[0]:.1f} instructions over {TEAMS[0]} teams, {limits[-1]:.1f} over "
        f"{TEAMS[-1]:,}: {growth:+.1%}, expected at most {DIFFERENCE_MAX:+.0%}\n"
        f"             ({whole:+.1%} with the look-up of the team)"
    )
    if abs(growth) <= DIFFERENCE_MAX:
        return None
    return f"the limit's instructions differ by {growth:+.1%}, expected at most {DIFFERENCE_MAX:.0%}"


if __name__ == "__main__":
    command.run(main)
