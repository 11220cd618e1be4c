#!/usr/bin/env python3
"""Runs the long forms of the tests for a time: what the short forms of `make test` try a little, over and over.

Prints what was tried, with the seeds of what failed, and at last one line of counts. Exits with 1 if
anything failed. Needs the tests to be built; see `make torture`.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import time

import runner

# Name, the tests, and their settings: {seconds} is the suite's share of the time, {part} one attack's share
# of that, {seed} is random. A suite that ends before its time is over runs again. The sweeps try as much as
# the time is enough for, in an order of chance; set to `all` by hand, they try everything.
SUITES = [
    ("simulation", "SimulationTests",
     {"ATOMIC_STATE_SIMULATION_SECONDS": "{seconds}", "ATOMIC_STATE_SIMULATION_SEED": "{seed}"}),
    ("reference model", "(Differential|Damage|OutcomeModel|Migration|Judgement)Tests",
     {"ATOMIC_STATE_FUZZ_SECONDS": "{seconds}", "ATOMIC_STATE_FUZZ_SEED": "{seed}"}),
    ("kills", "(Crash|CrashStage|SchemaChange|Repetition|Retry)Tests",
     {"ATOMIC_STATE_CRASH_CYCLES": "24", "ATOMIC_STATE_RETRY_CYCLES": "24"}),
    ("consistency", "ConsistencyTests", {"ATOMIC_STATE_CONSISTENCY_SECONDS": "{seconds}"}),
    ("power cuts", "PowerLossTests", {"ATOMIC_STATE_POWER_LOSS_CYCLES": "20"}),
    ("disk faults", "DiskFaultTests", {"ATOMIC_STATE_DISK_FAULT_SWEEP": "{seconds}"}),
    ("damage at rest", "DamageAtRestTests", {"ATOMIC_STATE_DAMAGE_SWEEP": "{seconds}"}),
    ("hostile peers", "HostilePeer", {"ATOMIC_STATE_HOSTILE_SECONDS": "{part}"}),
    ("soak", "SoakTests", {"ATOMIC_STATE_SOAK_SECONDS": "{seconds}"}),
]

CLOSING_LINE = re.compile(r"Test run with (\d+) tests?.* (passed|failed) after")
FAILED_TEST = re.compile(r"^✘ Test (?!run with ).* failed after")


class Tally:
    """What the runs of all suites came to."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def add(self, output: str, exit_code: int) -> bool:
        """Counts the tests of one run. Whether all passed."""
        closing = CLOSING_LINE.search(output)
        count = int(closing.group(1)) if closing else 0
        failed = sum(1 for line in output.splitlines() if FAILED_TEST.match(line))
        # A run that breaks off has failed, whatever it counted; so has one without any test.
        if exit_code != 0 or count == 0:
            failed = max(failed, 1)
        self.failed += failed
        self.passed += max(count - failed, 0)
        return failed == 0


def run_once(tests: str, settings: dict[str, str], seconds: int) -> tuple[str, int]:
    # The attacks of hostile peers come one after the other, and there are two dozen times to wait for.
    values = {
        "seconds": str(max(seconds, 1)), "part": str(max(seconds // 24, 2)),
        "seed": str(random.getrandbits(48)),
    }
    environment = {name: value.format(**values) for name, value in settings.items()}
    print("  " + " ".join(f"{name}={value}" for name, value in environment.items()), flush=True)
    process = subprocess.run(
        ["swift", "test", "--skip-build", "--disable-xctest", "-c", "release", "--filter", tests],
        env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", check=False)
    return process.stdout, process.returncode


def run_suite(name: str, tests: str, settings: dict[str, str], seconds: float, tally: Tally) -> None:
    print(f"{name}: {tests}, {seconds:.0f} s", flush=True)
    end = time.monotonic() + seconds
    is_first = True
    # A run that could hardly begin is left out.
    while is_first or end - time.monotonic() > min(30, seconds / 2):
        is_first = False
        output, exit_code = run_once(tests, settings, int(end - time.monotonic()))
        for line in output.splitlines():
            if line.startswith("tried "):
                print("    " + line, flush=True)
        if not tally.add(output, exit_code):
            failures = runner.FailureText()
            shown = [line for line in output.splitlines() if failures.includes(line)]
            print("\n".join(shown or output.splitlines()[-20:]), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=float, help="for all suites together")
    parser.add_argument("--suite", choices=[suite[0] for suite in SUITES], help="this one alone")
    arguments = parser.parse_args()
    if not 0 < arguments.minutes <= 10_000:
        parser.error(f"{arguments.minutes} minutes: expected more than 0 and at most 10000")
    suites = [suite for suite in SUITES if arguments.suite in (None, suite[0])]
    tally = Tally()
    for name, tests, settings in suites:
        run_suite(name, tests, settings, arguments.minutes * 60 / len(suites), tally)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
