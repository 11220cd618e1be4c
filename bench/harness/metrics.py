"""The server's metrics, and its process as the kernel sees it."""

import http.client
import os
import re
import threading
import time
import urllib.request
from pathlib import Path

from .errors import BenchError

# A line of the Prometheus text format: a name, labels perhaps, a value.
_SAMPLE = re.compile(r"^(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)")
_FAMILY = re.compile(r'\bfamily="([^"]*)"')

_PREFIX = "atomic_state_"

# A tenth of a share of the processor, so that a busy one still lets samples be taken in time.
_NICENESS = 10

# What a report is made of; a sample has everything else of the server's as well.
_REQUIRED = {
    "transactions_accepted_total",
    "transactions_rejected_total",
    "commit_groups_total",
    "journal_bytes_total",
    "rocksdb_level0_files",
    "rocksdb_pending_compaction_bytes",
    "rocksdb_write_stalls_total",
    "rocksdb_background_errors_total",
}


def parse(text):
    """The server's own metrics by name, without their prefix. One that RocksDB has for each column
    family is a dictionary by family."""
    values = {}
    for line in text.splitlines():
        match = None if line.startswith("#") else _SAMPLE.match(line)
        if not match or not match["name"].startswith(_PREFIX):
            continue
        name, value = match["name"].removeprefix(_PREFIX), float(match["value"])
        family = _FAMILY.search(match["labels"] or "")
        if family:
            values.setdefault(name, {})[family[1]] = value
        else:
            values[name] = value
    return values


class Sampler:
    """Takes a sample of the server each second, from `with` to the end of its block.

    Every sample stands for one moment, so what it counts and the processor time that it cost fit
    each other. To take it costs 2 ms of a processor that server and load generator need, so they go
    first.
    """

    def __init__(self, metrics_url, process_id, data_folder):
        self._metrics_url = metrics_url
        self._process_id = process_id
        self._data_folder = data_folder
        self._start = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._sample_every_second, daemon=True)
        self._failure = None
        self.samples = []

    def __enter__(self):
        self.samples.append(self._sample())
        self._thread.start()
        return self

    def __exit__(self, error_type, error, traceback):
        self._stopped.set()
        self._thread.join()
        if error_type is None:
            if self._failure is not None:
                raise self._failure
            self.samples.append(self._sample())

    def _sample_every_second(self):
        # Linux: of this thread alone.
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        second = 1
        while not self._stopped.wait(max(0, self._start + second - time.monotonic())):
            try:
                self.samples.append(self._sample())
            except BenchError as failure:
                self._failure = failure
                return
            second += 1

    def _sample(self):
        values = self._scrape()
        missing = _REQUIRED - values.keys()
        if missing:
            raise BenchError(f"the server's metrics lack {', '.join(sorted(missing))}")
        return {
            "seconds": round(time.monotonic() - self._start, 3),
            "unix_seconds": time.time(),
            **values,
            **process_usage(self._process_id),
            "wal_bytes": write_ahead_log_bytes(self._data_folder),
            "host_load_1m": os.getloadavg()[0],
        }

    def _scrape(self):
        try:
            with urllib.request.urlopen(self._metrics_url, timeout=10) as response:
                return parse(response.read().decode())
        except (OSError, http.client.HTTPException) as failure:
            raise BenchError(f"the server's metrics can't be read: {failure}") from failure


def process_usage(process_id):
    """Processor time and resident memory of a process: see proc(5)."""
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
        resident_pages = int(Path(f"/proc/{process_id}/statm").read_text().split()[1])
    except OSError as failure:
        raise BenchError(f"process {process_id} has gone: {failure}") from failure
    # The name, in parentheses, may contain anything; after it, utime and stime are 12th and 13th.
    fields = stat.rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    return {
        "cpu_seconds": ticks / os.sysconf("SC_CLK_TCK"),
        "resident_bytes": resident_pages * os.sysconf("SC_PAGE_SIZE"),
    }


def write_ahead_log_bytes(data_folder):
    """Bytes of RocksDB's write-ahead logs, which it names by number and removes once all that they
    hold is in tables."""
    total = 0
    for path in Path(data_folder).rglob("*.log"):
        if path.stem.isdigit():
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                pass  # Removed since it was listed.
    return total
