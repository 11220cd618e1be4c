"""The load generator, as a process."""

import json
import signal
import subprocess

from .errors import BenchError, Interrupted

# Flags of the load generator that have a load setting's name.
_FLAGS = (
    "duration", "batch", "workers", "in_flight", "payload_bytes", "threads", "seed", "keys",
    "rate",
)  # fmt: skip
_FLAGS_OF_LOAD = {"bank": ("accounts",), "seats": ("teams", "organizations", "rejected")}


class LoadResult:
    """What the load generator found out."""

    def __init__(self, report, is_passed):
        self.report = report
        # Whether the server's state is exactly what it acknowledged.
        self.is_passed = is_passed


def run(binary, settings, address, folder, interrupts):
    """Ends early, and well, on the first of the interrupts (`interrupts.Deferred`); on a second one at once."""
    report_path = folder / "load.json"
    command = [binary, "--server", address, "--scenario", settings["load"], "--json", report_path]
    for name in _FLAGS + _FLAGS_OF_LOAD[settings["load"]]:
        command += ["--" + name.replace("_", "-"), str(settings[name])]
    # Its summary, on standard output, is a part of the one that is printed at the end. A session of
    # its own, so that a Ctrl-C on the terminal reaches it once: from here.
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    interrupts.listener = lambda: process.send_signal(signal.SIGINT)
    try:
        code = process.wait()
    finally:
        interrupts.listener = None
    if not report_path.exists():
        if interrupts.count > 0:
            raise Interrupted
        raise BenchError(f"the load generator ended with code {code}, without a result")
    try:
        report = json.loads(report_path.read_text())
    except ValueError as failure:
        raise BenchError(f"the load generator's result can't be read: {failure}") from failure
    return LoadResult(report, code == 0)
