#!/usr/bin/env python3
"""One benchmark from nothing to a checked result.

Measures the disk, starts a server on a fresh data folder, loads it, watches it meanwhile, ends it,
audits what it left, and reports. A run whose data is not intact has no rate.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from harness import machine, preflight
from harness.errors import BenchError
from harness.metrics import Sampler
from harness.server import Server, audit

ROOT = Path(__file__).resolve().parent.parent
SYNC = "sync=true: every commit group is on the disk before it is acknowledged"


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="Each setting's default is the environment variable in parentheses, if it is set.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )

    def add(flag, variable, default, meaning, kind=str):
        parser.add_argument(
            flag, type=kind, default=os.environ.get(variable, default),
            help=f"{meaning} ({variable})",
        )  # fmt: skip

    add("--duration", "BENCH_DURATION", "20s", "how long to load the server: 20s, 10m")
    add("--batch", "BATCH_SIZE", "1000", "transactions of a batch", int)
    add("--workers", "WORKERS", "4", "connections", int)
    add("--in-flight", "IN_FLIGHT", "4", "batches in flight for each worker", int)
    add("--accounts", "ACCOUNTS", "10000", "accounts that transfers go between", int)
    add("--seed", "SEED", "1", "determines the transactions", int)
    add("--rate", "RATE", "0", "transactions a second; 0: as many as possible", float)
    add("--preflight-seconds", "PREFLIGHT_SECONDS", "5", "of the disk's test; 0: none", int)
    add("--preflight-gate-us", "PREFLIGHT_GATE_US", "5000", "the slowest sync; 0: any", float)
    add("--data", "BENCH_DATA", str(ROOT / "bench/out"), "where to make the data folder", Path)
    add("--binaries", "BENCH_BINARIES", str(ROOT / ".build/release"), "what was built", Path)
    parser.add_argument(
        "--json", type=Path, default=ROOT / "bench/out/result.json", help="the report's file"
    )
    parser.add_argument("--keep-data", action="store_true", help="do not remove the data folder")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    # In order with what the load generator writes, also when both go to a file.
    sys.stdout.reconfigure(line_buffering=True)
    server_binary = arguments.binaries / "atomic-state"
    load_binary = arguments.binaries / "atomic-state-bench"
    for binary in (server_binary, load_binary):
        if not os.access(binary, os.X_OK):
            raise BenchError(f"{binary} is missing: build it with 'swift build -c release'")
    arguments.data.mkdir(parents=True, exist_ok=True)
    arguments.json.parent.mkdir(parents=True, exist_ok=True)

    work_folder = Path(tempfile.mkdtemp(prefix="run-", dir=arguments.data))
    try:
        return measure(arguments, server_binary, load_binary, work_folder)
    finally:
        if arguments.keep_data:
            print(f"data         {work_folder}")
        else:
            shutil.rmtree(work_folder)


def measure(arguments, server_binary, load_binary, work_folder):
    host = machine.describe(work_folder)
    print_settings(arguments, host)
    disk = measure_disk(arguments, work_folder)
    data_folder = work_folder / "data"
    schema = ROOT / "examples/bank.yaml"
    with Server(server_binary, schema, data_folder, work_folder / "server.log") as server:
        metrics_url = f"{server.admin_url}/metrics"
        with Sampler(metrics_url, server.process_id, data_folder) as sampler:
            load, load_code = run_load(arguments, load_binary, server, work_folder)
        server.stop()
    is_intact, audit_text = audit(server_binary, data_folder)
    print(f"audit        {audit_text}")

    is_valid = is_intact and load_code == 0
    report = make_report(arguments, host, disk, load, sampler.samples, is_valid)
    report["integrity"] = audit_text
    arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    if not is_valid:
        raise BenchError(
            "no rate is reported, because "
            + ("the load generator's check failed" if is_intact else "the audit failed")
        )
    print_summary(report)
    print(f"report       {arguments.json}")
    return 0


def measure_disk(arguments, folder):
    if arguments.preflight_seconds == 0:
        return {"mean_us": None, "p99_us": None}
    measured = preflight.measure_sync_write(folder, arguments.preflight_seconds)
    print(
        f"disk         a synced 4 KiB write takes {measured['mean_us']:.0f} us, "
        f"p99 {measured['p99_us']:.0f} us"
    )
    preflight.require_fast_enough(measured, arguments.preflight_gate_us)
    return measured


def run_load(arguments, binary, server, work_folder):
    """The load generator's report, and its exit code: 1 if its own check failed."""
    report_path = work_folder / "load.json"
    command = [
        binary, "--server", server.address, "--duration", arguments.duration,
        "--batch", str(arguments.batch), "--workers", str(arguments.workers),
        "--in-flight", str(arguments.in_flight), "--accounts", str(arguments.accounts),
        "--seed", str(arguments.seed), "--rate", str(arguments.rate), "--json", report_path,
    ]  # fmt: skip
    # Ctrl-C reaches the load generator, which ends its run; what follows is done as always.
    previous = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        # Its summary, on standard output, is a part of the one that is printed at the end.
        code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    finally:
        signal.signal(signal.SIGINT, previous)
    if not report_path.exists():
        raise BenchError(f"the load generator ended with code {code}, without a result")
    return json.loads(report_path.read_text()), code


def make_report(arguments, host, disk, load, samples, is_valid):
    first, last = samples[0], samples[-1]

    def growth(key):
        return last[key] - first[key]

    # Preparation and reading back included, on both sides of the division.
    judged = growth("transactions_accepted_total") + growth("transactions_rejected_total")
    if judged == 0:
        raise BenchError("the server's metrics count no transactions")
    return {
        "items_per_second": load["items_per_second"] if is_valid else None,
        "items_total": load["items_total"],
        "rejected_total": load["rejected_total"],
        "batch_latency_ms": load["batch_latency_ms"],
        "fsync_preflight_us": disk["mean_us"],
        "fsync_preflight_p99_us": disk["p99_us"],
        "wal_bytes": max(sample["wal_bytes"] for sample in samples),
        "journal_bytes": growth("journal_bytes_total"),
        "commit_groups": growth("commit_groups_total"),
        "server_cpu_ns_per_item": growth("cpu_seconds") * 1e9 / judged,
        "client_cpu_ns_per_item": load["client_cpu_ns_per_item"],
        "server_resident_bytes_max": max(sample["resident_bytes"] for sample in samples),
        "l0_files_max": max(max(sample["rocksdb_level0_files"].values()) for sample in samples),
        "write_stalls": sum(is_stalled(sample) for sample in samples),
        "background_errors": last["rocksdb_background_errors"],
        "model_check": load["model_check"],
        "seed": load["seed"],
        "build_mode": load["build_mode"],
        "interrupted": load["interrupted"],
        "sync": SYNC,
        "settings": {
            **load["settings"],
            "preflight_seconds": arguments.preflight_seconds,
            "preflight_gate_us": arguments.preflight_gate_us,
        },
        "machine": host,
        "samples": samples,
    }  # fmt: skip


def is_stalled(sample):
    """Whether RocksDB held writers up or stopped them: counted in seconds, as there is one sample
    for each."""
    return sample["rocksdb_writes_stopped"] > 0 or sample["rocksdb_delayed_write_rate_bytes"] > 0


def print_settings(arguments, host):
    print(
        f"settings     {arguments.workers} workers, {arguments.in_flight} batches of "
        f"{arguments.batch} in flight each, {arguments.accounts} accounts, "
        f"{arguments.duration}, seed {arguments.seed}"
    )
    print(f"sync         {SYNC}")
    print(
        f"machine      {host['cpu']}, {host['cores']} cores, "
        f"{host['memory_bytes'] / 2**30:.1f} GiB, {host['kernel']}, "
        f"{host['file_system']} on {host['device']}"
    )


def print_summary(report):
    latency = report["batch_latency_ms"]
    print(
        f"\n{report['items_per_second']:,.0f} transactions/s "
        f"({report['items_total']:,} accepted, {report['rejected_total']:,} rejected; "
        f"{report['build_mode']} build)\n"
        f"batches      p50 {latency['p50']:.2f} ms, p99 {latency['p99']:.2f} ms, "
        f"max {latency['max']:.2f} ms\n"
        f"processor    server {report['server_cpu_ns_per_item']:.0f} ns, "
        f"client {report['client_cpu_ns_per_item']:.0f} ns a transaction\n"
        f"storage      level 0 files at most {report['l0_files_max']:.0f}, "
        f"{report['write_stalls']} s with stalled writes, "
        f"journal {report['journal_bytes'] / 2**20:,.0f} MiB"
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchError as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: interrupted")
