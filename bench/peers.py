#!/usr/bin/env python3
"""Measures the same transfers on other databases and on ours, on one machine in one go."""

import contextlib
import dataclasses
import json
import os

from harness import command, scenario, settings, words
from harness.errors import BenchError, Interrupted
from harness.measurement import SYNC, Bench, settings_in_words
from harness.peers import peer, tigerbeetle
from harness.peers.postgres import Postgres
from harness.peers.redis import Redis

OURS = ("batch-8000", "batch-1000", "perf-dense", "single-calls")
DURATION = "10s"
# Of a variant, when the best one is looked for.
SEARCH_SECONDS = 2
PATH = settings.OUT / "peers.json"


def parse_arguments():
    parser = settings.parser(__doc__)
    parser.add_argument("--duration", help=f"of each best variant (BENCH_DURATION; {DURATION})")
    settings.add_bench_options(parser)
    arguments = parser.parse_args()
    arguments.duration = arguments.duration or os.environ.get("BENCH_DURATION") or DURATION
    return arguments


def main():
    arguments = parse_arguments()
    chosen = [scenario.load(name, arguments) for name in OURS]
    seconds = settings.duration_seconds(arguments.duration, "--duration")
    bench = Bench(arguments)
    results, failures = [], []
    systems = [Postgres, Redis] + [tigerbeetle.TigerBeetle] * tigerbeetle.is_present()
    was_interrupted = False
    try:
        for system in systems:
            print(f"\n{system.name}")
            with failing_alone(system.name, failures):
                with bench.folder() as folder, system(folder) as running:
                    measure_peer(running, seconds, results)
        if not tigerbeetle.is_present():
            print("\nTigerBeetle  left out: there is no 'tigerbeetle' on the PATH")
        for each in chosen:
            with failing_alone(each.name, failures):
                results.append(measure_ours(bench, each))
    except (Interrupted, KeyboardInterrupt):
        was_interrupted = True
        if not results:
            raise
    write(bench, results, failures)
    print_table(results)
    if failures:
        return 1
    return command.INTERRUPTED if was_interrupted else 0


@contextlib.contextmanager
def failing_alone(name, failures):
    """What fails is noted, and the next is measured all the same."""
    try:
        yield
    except Interrupted:
        raise
    except BenchError as failure:
        failures.append(f"{name}: {failure}")
        print(f"failed       {failure}")


def measure_peer(running, seconds, results):
    """Adds the best variant of each of its forms to the results."""
    for form, variants in running.forms().items():
        found = []
        for variant in variants:
            result = running.measure(form, variant, min(SEARCH_SECONDS, seconds))
            print(f"  {form:30} {result.client:60} {words.rate(result.items_per_second):>14}")
            found.append((result.items_per_second, variant))
        # Again, for as long as ours is measured.
        fastest = max(found, key=lambda each: each[0])[1]
        results.append(running.measure(form, fastest, seconds))


def measure_ours(bench, each):
    report = bench.measure(each)
    if report["items_per_second"] is None:
        raise BenchError(f"no rate is reported, because {report['invalid_because']}")
    if report["interrupted"]:
        raise Interrupted
    return peer.Result(
        system="Atomic State", form=each.title, items_per_second=report["items_per_second"],
        p50_ms=report["batch_latency_ms"]["p50"], p99_ms=report["batch_latency_ms"]["p99"],
        client=settings_in_words(each.settings), server=SYNC, check=report["integrity"],
    )  # fmt: skip


def write(bench, results, failures):
    content = {
        "machine": bench.host,
        "fsync_preflight_us": bench.disk["mean_us"],
        "accounts": peer.ACCOUNTS,
        "results": [dataclasses.asdict(result) for result in results],
        "failures": failures,
    }
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps(content, indent=2) + "\n")
    print(f"\nreport       {PATH}")


def print_table(results):
    print(
        f"\nTransfers between {peer.ACCOUNTS:,} accounts, each on the disk before it is "
        "acknowledged; latency is of a request\n\n"
        f"{'':13} {'':30} {'items/s':>12} {'p50':>10} {'p99':>10}  client"
    )
    for result in results:
        latencies = (
            f"{'' if value is None else words.milliseconds(value):>10}"
            for value in (result.p50_ms, result.p99_ms)
        )
        print(
            f"{result.system:13} {result.form:30} {result.items_per_second:12,.0f} "
            f"{' '.join(latencies)}  {result.client}"
        )
    print("\nServers")
    for server in dict.fromkeys(f"{result.system}: {result.server}" for result in results):
        print(f"  {server}")


if __name__ == "__main__":
    command.run(main)
