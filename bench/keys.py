#!/usr/bin/env python3
"""What idempotency keys cost: batches of 8,000 with and without, in turns.

Of each pair of runs, one after the other, the difference of the server's processor time for a
transaction; of the pairs, the median: what else the machine does falls on both runs of a pair, or
spoils one pair of many. With keys, each transaction has one and each batch a name, and the server
remembers 10,000,000 of them.
"""

import argparse
import json
import statistics

from harness import command, scenario, settings
from harness.errors import BenchError, Interrupted
from harness.measurement import Bench
from harness.session import print_summary

SCENARIO = "batch-8000"
KINDS = ("none", "each")
NANOSECONDS_MAX = 60


def parse_arguments():
    parser = settings.parser(__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--pairs", type=int, default=7, help="of runs (7)")
    settings.add_load_options(parser)
    settings.add_bench_options(parser)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if arguments.pairs < 1:
        raise BenchError(f"--pairs {arguments.pairs}: expected at least 1")
    if arguments.keys is not None:
        raise BenchError(f"--keys {arguments.keys}: leave it out: both kinds are measured in turns")
    bench = Bench(arguments)
    pairs = []
    try:
        for _ in range(arguments.pairs):
            pairs.append([measure(bench, keys, arguments) for keys in KINDS])
    except (Interrupted, KeyboardInterrupt):
        if not pairs:
            raise
        judge(pairs)
        return command.INTERRUPTED
    return judge(pairs)


def measure(bench, keys, arguments):
    """The server's processor time for a transaction, in nanoseconds."""
    arguments.keys = keys
    report = bench.measure(scenario.load(SCENARIO, arguments))
    print_summary(report | {"checks": []})
    if report["items_per_second"] is None:
        raise BenchError(f"keys {keys}: {report['invalid_because']}")
    if report["interrupted"]:
        raise Interrupted
    return report["server_cpu_ns_per_item"]


def judge(pairs):
    print(f"\n{'without':>10}{'with keys':>12}{'difference':>12}")
    for without, with_keys in pairs:
        print(f"{without:7.0f} ns{with_keys:9.0f} ns{with_keys - without:9.0f} ns")
    cost = statistics.median(with_keys - without for without, with_keys in pairs)
    is_met = cost < NANOSECONDS_MAX
    print(
        f"keys         {cost:.0f} ns a transaction in the median of {len(pairs)} pairs, expected "
        f"less than {NANOSECONDS_MAX}: {'reached' if is_met else 'missed'}"
    )
    path = settings.OUT / "keys.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pairs_ns": pairs, "median_difference_ns": cost}, indent=2) + "\n")
    print(f"report       {path}")
    return 0 if is_met else 1


if __name__ == "__main__":
    command.run(main)
