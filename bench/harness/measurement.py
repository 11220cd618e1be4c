"""One run from nothing to a checked report.

Measures the disk, starts a server on a fresh data folder, loads it, watches it meanwhile, ends it,
and audits what it left. A run whose data is not intact has no rate.
"""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path

from . import bare_pair, interrupts, load, machine, preflight, settings, words
from .errors import BenchError
from .metrics import Sampler
from .server import Server, audit

SYNC = "sync=true: every commit group is on the disk before it is acknowledged"


class Bench:
    """Measures scenarios one after the other, each on a server and a data folder of its own."""

    def __init__(self, options):
        """`options` are those of `settings.add_bench_options`."""
        self._options = options
        self._server_binary = options.binaries / "atomic-state"
        self._load_binary = options.binaries / "atomic-state-bench"
        for binary in (self._server_binary, self._load_binary):
            if not os.access(binary, os.X_OK):
                raise BenchError(f"{binary} is missing: build it with 'make build'")
        options.data.mkdir(parents=True, exist_ok=True)
        self.host = machine.describe(options.data)
        print(f"machine      {machine.in_words(self.host)}")
        print(f"sync         {SYNC}")
        self.disk = self._measure_disk()

    def measure(self, scenario):
        print(f"\nscenario     {scenario.name}: {settings_in_words(scenario.settings)}")
        with self._processor_for(scenario):
            disk = self._disk_for(scenario)
            with self.folder() as folder:
                return self._measure(scenario, disk, folder)

    def _processor_for(self, scenario):
        if not scenario.runs_on_one_processor:
            return contextlib.nullcontext()
        processor = machine.processor_of_syncs(self._options.data)
        print(f"processor    {processor}, of the disk's interrupts, for everything")
        return machine.on_processor(processor)

    def _disk_for(self, scenario):
        """As it was at the start, unless the scenario is for processors in another state, or its target is
        a share of what the disk allows: that is another one a few minutes later."""
        if not scenario.keeps_processors_awake and not scenario.is_limited_by_syncs:
            return self.disk
        is_awake = scenario.keeps_processors_awake
        with machine.processors_kept_awake() if is_awake else contextlib.nullcontext():
            return self._measure_disk(with_bare_pair=scenario.is_limited_by_syncs)

    @contextlib.contextmanager
    def folder(self):
        """A fresh one on a calm disk, removed at the end unless it is to be kept."""
        path = Path(tempfile.mkdtemp(prefix="run-", dir=self._options.data))
        try:
            self._wait_until_calm(path)
            yield path
        finally:
            if self._options.keep_data:
                print(f"data         {path}")
            else:
                shutil.rmtree(path)

    def _wait_until_calm(self, folder):
        if self._options.preflight_seconds == 0:
            return
        waited = preflight.wait_until_calm(folder)
        if waited is None:
            print("disk         it stalls, and does not calm down")
        elif waited > 0:
            print(f"disk         calm after {waited:.0f} s")

    def _measure_disk(self, with_bare_pair=False):
        seconds = self._options.preflight_seconds
        if seconds == 0:
            return {"mean_us": None, "p99_us": None, "bare_pair_per_second": None}
        with self.folder() as folder:
            measured = preflight.measure_sync_write(folder, seconds)
            pair = bare_pair.measure(folder, seconds) if with_bare_pair else None
        print(
            f"disk         a synced 4 KiB write takes {measured['mean_us']:.0f} us, "
            f"p99 {measured['p99_us']:.0f} us"
        )
        if pair is not None:
            print(f"limit        two processes that only exchange messages and sync: {words.rate(pair)}")
        preflight.require_fast_enough(measured, self._options.preflight_gate_us)
        return {**measured, "bare_pair_per_second": pair}

    def _measure(self, scenario, disk, folder):
        data = folder / "data"
        schema = settings.ROOT / scenario.settings["schema"]
        flags = ["--keep-processors-awake"] if scenario.keeps_processors_awake else []
        with (
            Server(self._server_binary, schema, data, folder / "server.log", flags) as server,
            interrupts.Deferred() as noted,
        ):
            with Sampler(f"{server.admin_url}/metrics", server.process_id, data) as sampler:
                loaded = load.run(
                    self._load_binary, scenario.settings, server.address, folder, noted
                )
            server.stop()
            is_intact, audit_text = audit(self._server_binary, data)
        print(f"audit        {audit_text}")
        report = _report(loaded, sampler.samples, is_intact, audit_text)
        report["interrupted"] = noted.count > 0
        report["scenario"] = scenario.name
        report["fsync_preflight_us"] = disk["mean_us"]
        report["fsync_preflight_p99_us"] = disk["p99_us"]
        report["bare_pair_per_second"] = disk["bare_pair_per_second"]
        report["machine"] = self.host
        report["settings"] = {
            **loaded.report["settings"],
            "schema": scenario.settings["schema"],
            "keep_processors_awake": scenario.keeps_processors_awake,
            "processors": sorted(os.sched_getaffinity(0)),
            "preflight_seconds": self._options.preflight_seconds,
            "preflight_gate_us": self._options.preflight_gate_us,
            **settings.of_server(),
        }
        return report


def _report(loaded, samples, is_intact, audit_text):
    client = loaded.report
    first, last = samples[0], samples[-1]

    def growth(key):
        return last[key] - first[key]

    # Preparation and reading back included, on both sides of the division.
    judged = growth("transactions_accepted_total") + growth("transactions_rejected_total")
    if judged == 0:
        raise BenchError("the server's metrics count no transactions")
    invalid_because = None
    if not is_intact:
        invalid_because = "the audit failed"
    elif not loaded.is_passed:
        invalid_because = "the load generator's check failed"
    is_valid = invalid_because is None
    return {
        "items_per_second": client["items_per_second"] if is_valid else None,
        "invalid_because": invalid_because,
        "items_total": client["items_total"],
        "rejected_total": client["rejected_total"],
        "rejected_per_second": (
            client["rejected_total"] / client["elapsed_seconds"] if is_valid else None
        ),
        "batch_latency_ms": client["batch_latency_ms"],
        "pause_ms": client["pause_ms"],
        "wal_bytes": max(sample["wal_bytes"] for sample in samples),
        "journal_bytes": growth("journal_bytes_total"),
        "commit_groups": growth("commit_groups_total"),
        "server_cpu_ns_per_item": growth("cpu_seconds") * 1e9 / judged,
        "client_cpu_ns_per_item": client["client_cpu_ns_per_item"],
        "server_resident_bytes_max": max(sample["resident_bytes"] for sample in samples),
        "l0_files_max": max(max(sample["rocksdb_level0_files"].values()) for sample in samples),
        "write_stalls": growth("rocksdb_write_stalls_total"),
        "background_errors": last["rocksdb_background_errors_total"],
        "integrity": audit_text,
        "model_check": client["model_check"],
        "seed": client["seed"],
        "build_mode": client["build_mode"],
        "sync": SYNC,
        "start_unix_seconds": client["start_unix_seconds"],
        "elapsed_seconds": client["elapsed_seconds"],
        "intervals": client["intervals"] if is_valid else [],
        "samples": samples,
    }


def settings_in_words(values):
    population = {
        "bank": "{accounts:,} accounts",
        "seats": "{teams:,} teams of {organizations:,} organizations, {rejected} % to be rejected",
    }[values["load"]].format(**values)
    pace = f", {values['rate']:,.0f} transactions/s asked for" if values["rate"] else ""
    keys = "" if values["keys"] == "each" else ", no idempotency keys"
    awake = ", processors kept awake" if values["keep_processors_awake"] else ""
    one = ", all on one processor" if values["one_processor"] else ""
    return (
        f"{values['workers']} workers, {values['in_flight']} batches of "
        f"{values['batch']:,} in flight each, {population}, {values['duration']}, "
        f"seed {values['seed']}{keys}{pace}{awake}{one}"
    )
