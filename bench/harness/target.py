"""Targets, and whether a report reaches them."""

import dataclasses

from . import words

REACHED, MISSED, NOT_JUDGED = "reached", "missed", "not judged"

# A rate over less says little about whether it lasts.
_PART_SECONDS_MIN = 5


@dataclasses.dataclass(frozen=True)
class Check:
    what: str
    target: str
    measured: str
    verdict: str


def judge(scenario, report, reports):
    """A check for each target of the scenario. `reports`: the session's others by scenario."""
    checks = [TARGETS[name](wanted, report, reports) for name, wanted in scenario.target.items()]
    if report["items_per_second"] is None or report["interrupted"] or scenario.changed:
        checks = [dataclasses.replace(check, verdict=NOT_JUDGED) for check in checks]
    return checks


def reason_not_judged(scenario, report):
    """In words, where `judge` judges nothing at all."""
    if report["items_per_second"] is None:
        return "the run is not valid"
    if report["interrupted"]:
        return "the run was interrupted"
    if scenario.changed:
        return f"settings differ from the scenario's: {', '.join(scenario.changed)}"
    return None


def _check(what, target, measured, is_reached):
    verdict = NOT_JUDGED if is_reached is None else REACHED if is_reached else MISSED
    return Check(what, target, measured, verdict)


def _at_least(what, wanted, measured):
    return _check(
        what, f"at least {words.rate(wanted)}",
        "none" if measured is None else words.rate(measured),
        None if measured is None else measured >= wanted,
    )  # fmt: skip


def _items_per_second(wanted, report, _):
    return _at_least("transactions", wanted, report["items_per_second"])


def _asked_rate_share(share, report, _):
    return _at_least(
        "transactions, as asked", report["settings"]["rate"] * share, report["items_per_second"]
    )


def _sync_limit_share(share, report, _):
    """Beside it what two processes reach that do nothing else."""
    what, target = "transactions to syncs", f"at least {share:g}"
    sync_us, rate = report["fsync_preflight_us"], report["items_per_second"]
    if sync_us is None or rate is None:
        return _check(what, target, "nothing to compare", None)

    ours, bare = (each * sync_us / 1e6 for each in (rate, report["bare_pair_per_second"]))
    return _check(what, target, f"{ours:.2f}, a bare pair {bare:.2f}", ours >= share)


def _slowdown(wanted, report, reports):
    what = f"slower than {wanted['of']}"
    target = f"at most {wanted['at_most']:g} times"
    reference = reports.get(wanted["of"], {}).get("items_per_second")
    measured = report["items_per_second"]
    if reference is None or measured is None:
        return _check(what, target, "nothing to compare", None)
    slowdown = reference / measured
    return _check(what, target, f"{slowdown:.2f} times", slowdown <= wanted["at_most"])


def _batch_p99_ms(wanted, report, _):
    measured = report["batch_latency_ms"]["p99"]
    return _check(
        "batch p99", f"at most {words.milliseconds(wanted)}", words.milliseconds(measured),
        measured <= wanted,
    )  # fmt: skip


def _last_to_first(wanted, report, _):
    """The last tenth of the run against the first: of ten minutes, a minute each."""
    what, target = "last tenth to first", f"at least {wanted:.0%}"
    intervals = report["intervals"]
    length = max(len(intervals) // 10, _PART_SECONDS_MIN)
    if len(intervals) < 2 * length:
        return _check(what, target, "the run was too short", None)

    def mean(part):
        return sum(interval["items_per_second"] for interval in part) / len(part)

    share = mean(intervals[-length:]) / mean(intervals[:length])
    return _check(what, target, f"{share:.0%}", share >= wanted)


def _l0_files_max(wanted, report, _):
    measured = report["l0_files_max"]
    return _check("level 0 files", f"at most {wanted}", f"{measured:.0f}", measured <= wanted)


def _write_stalls_max(wanted, report, _):
    measured = report["write_stalls"]
    return _check("write stalls", f"at most {wanted}", f"{measured:.0f}", measured <= wanted)


TARGETS = {
    "items_per_second": _items_per_second,
    "asked_rate_share": _asked_rate_share,
    "sync_limit_share": _sync_limit_share,
    "slowdown": _slowdown,
    "batch_p99_ms": _batch_p99_ms,
    "last_to_first": _last_to_first,
    "l0_files_max": _l0_files_max,
    "write_stalls_max": _write_stalls_max,
}
