"""What the peers have in common."""

import dataclasses
import os
import shutil
import signal
import socket
import subprocess
import time

from ..errors import BenchError

ACCOUNTS = 10_000
STARTING_BALANCE = 500_00
CREDIT_LIMIT = 500_00
AMOUNT_MAX = 10_00
# Of batches, tried one after the other.
BATCHES = (1_000, 8_000)

READY_SECONDS = 60
STOP_SECONDS = 60


@dataclasses.dataclass
class Result:
    """What one form of doing the transfers has reached. Latency is of requests."""

    system: str
    form: str
    items_per_second: float
    p50_ms: float | None
    p99_ms: float | None
    # What the client did; the server's settings are the same for all of a system's forms.
    client: str
    server: str
    # What was checked at the end.
    check: str


class Process:
    """A peer's server, ready from `with` to the end of its block."""

    def __init__(self, command, log_path, is_ready, stop_signal=signal.SIGTERM, user=None):
        self._command = command
        self._is_ready = is_ready
        self._log_path = log_path
        self._stop_signal = stop_signal
        self._user = user
        self._process = None

    def __enter__(self):
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                start_new_session=True, **as_user(self._user),
            )  # fmt: skip
        try:
            self._await_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.send_signal(self._stop_signal)
            try:
                self._process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _await_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise BenchError(f"{self._command[0]} ended at its start:\n{self._log_end()}")
            if self._is_ready():
                return
            time.sleep(0.1)
        raise BenchError(f"{self._command[0]} was not ready after {READY_SECONDS} s")

    def _log_end(self):
        with open(self._log_path, errors="replace") as log:
            return "".join(log.readlines()[-20:])


def as_user(name):
    """Arguments of a subprocess that is to run as another user; None for oneself."""
    return {} if name is None else {"user": name, "group": name, "extra_groups": []}


def output_of(command, timeout, **options):
    """What a command printed, if it did well."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, **options)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{os.path.basename(command[0])} took over {timeout:.0f} s") from None
    if result.returncode != 0:
        reason = (result.stderr.strip() or result.stdout.strip())[-2000:]
        raise BenchError(f"{os.path.basename(command[0])} failed: {reason}")
    return result.stdout


def require_command(name):
    path = shutil.which(name)
    if path is None:
        raise BenchError(f"{name} is missing: 'make bench-peers' installs it if root")
    return path


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
