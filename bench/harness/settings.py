"""Settings: flags over environment over the scenario's file over defaults."""

import argparse
import dataclasses
import os
import re
from pathlib import Path

from .errors import BenchError

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "bench/out"


@dataclasses.dataclass(frozen=True)
class Setting:
    """One that a scenario's file can have too."""

    name: str
    variable: str
    default: object
    meaning: str
    # Of whole numbers, both included.
    range: tuple | None = None

    @property
    def flag(self):
        return "--" + self.name.replace("_", "-")


_UNBOUNDED = 2**63

LOAD = (
    Setting("duration", "BENCH_DURATION", "20s", "how long to load the server: 20s, 10m"),
    Setting("batch", "BATCH_SIZE", 1000, "transactions of a batch", (1, 65_536)),
    Setting("workers", "WORKERS", 4, "connections", (1, 1_024)),
    Setting("in_flight", "IN_FLIGHT", 4, "batches in flight for each worker", (1, 64)),
    Setting("accounts", "ACCOUNTS", 10_000, "accounts of the bank", (2, 100_000_000)),
    Setting("teams", "TEAMS", 100_000, "teams of the seats", (1, 10_000_000)),
    Setting("organizations", "ORGANIZATIONS", 100, "that the teams belong to", (1, 10_000_000)),
    Setting("rejected", "REJECTED", 1, "percent of the seats' transactions", (0, 100)),
    Setting("payload_bytes", "PAYLOAD_BYTES", 0, "extra bytes of a transaction", (0, _UNBOUNDED)),
    Setting("threads", "THREADS", 1, "of the load generator", (1, 256)),
    Setting("seed", "SEED", 1, "determines the transactions", (0, _UNBOUNDED)),
    Setting("keys", "KEYS", "each", "transactions with idempotency keys: each, none"),
    Setting("rate", "RATE", "0", "transactions a second; 0: as many as possible"),
)

# What a scenario's file has besides; no flag changes what a scenario is.
FIXED = {
    "load": "bank", "schema": "examples/bank.yaml", "keep_processors_awake": False,
    "one_processor": False,
}  # fmt: skip

# A target is for the scenario as its file describes it; these may differ all the same.
FREE = {"duration", "seed"}


def add_load_options(parser):
    for setting in LOAD:
        parser.add_argument(
            setting.flag, metavar="VALUE",
            help=f"{setting.meaning} ({setting.variable}; {setting.default})",
        )  # fmt: skip


def add_bench_options(parser):
    """Options of every driver: where it runs, and what it requires of the disk."""

    def add(flag, variable, default, meaning, kind=str):
        parser.add_argument(
            flag, type=kind, default=os.environ.get(variable) or default, metavar="VALUE",
            help=f"{meaning} ({variable}; {default})",
        )  # fmt: skip

    add("--preflight-seconds", "PREFLIGHT_SECONDS", 5, "of the disk's test; 0: none", _seconds)
    add("--preflight-gate-us", "PREFLIGHT_GATE_US", 5000, "the slowest sync; 0: any", _not_negative)
    add("--data", "BENCH_DATA", OUT, "where to make the data folder", Path)
    add("--binaries", "BENCH_BINARIES", ROOT / ".build/release", "what was built", Path)
    parser.add_argument("--keep-data", action="store_true", help="do not remove the data folder")


def parser(description):
    return argparse.ArgumentParser(
        description=description,
        allow_abbrev=False,
        epilog="In parentheses: the environment variable that a flag goes before, and the default. "
        "A scenario's own setting goes before the default.",
    )


def resolve(in_file, flags=None, environment=os.environ):
    """Every load setting's value, checked."""
    values = dict(FIXED)
    unknown = in_file.keys() - values.keys() - {setting.name for setting in LOAD}
    if unknown:
        raise BenchError(f"unknown settings: {', '.join(sorted(unknown))}")
    values.update({name: value for name, value in in_file.items() if name in FIXED})
    for setting in LOAD:
        values[setting.name] = _checked(setting, *_source(setting, in_file, flags, environment))
    if values["organizations"] > values["teams"]:
        raise BenchError("expected at least as many --teams as --organizations")
    return values


def of_server():
    """Those of the server that come from the environment."""
    return {name: value for name, value in os.environ.items() if name.startswith("ATOMIC_STATE_")}


def _source(setting, in_file, flags, environment):
    """What a value is called where it was given, and the value."""
    flag = getattr(flags, setting.name, None)
    if flag is not None:
        return setting.flag, flag
    if environment.get(setting.variable):
        return setting.variable, environment[setting.variable]
    return setting.name, in_file.get(setting.name, setting.default)


def _checked(setting, source, value):
    if setting.name == "duration":
        return f"{duration_seconds(value, source):g}s"
    if setting.name == "rate":
        return _rate(value, source)
    if setting.name == "keys":
        if value not in ("each", "none"):
            raise BenchError(f"{source} {value}: expected each or none")
        return value
    low, high = setting.range
    try:
        number = int(str(value))
    except ValueError:
        raise BenchError(f"{source} {value}: expected a whole number") from None
    if not low <= number <= high:
        expected = f"at least {low}" if high == _UNBOUNDED else f"{low} to {high}"
        raise BenchError(f"{source} {value}: expected {expected}")
    return number


def duration_seconds(text, source):
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", str(text))
    seconds = match and float(match[1]) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[match[2]]
    if not seconds or seconds > 7 * 86_400:
        raise BenchError(f"{source} {text}: expected a time such as 500ms, 20s, 10m or 1h")
    return seconds


def _rate(value, source):
    try:
        number = float(value)
    except ValueError:
        number = -1
    if number != 0 and not 0.001 <= number <= 1e9:
        raise BenchError(f"{source} {value}: expected 0, or 0.001 to 1000000000")
    return number


def _seconds(text):
    number = int(text)
    if not 0 <= number <= 3600:
        raise argparse.ArgumentTypeError(f"{text}: expected 0 to 3600")
    return number


def _not_negative(text):
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: expected 0 or more")
    return number
