"""Several scenarios in one go, and what is printed of them."""

import dataclasses
import json

from . import scenario as scenarios
from . import target, words
from .errors import BenchError, Interrupted


@dataclasses.dataclass
class Session:
    # By scenario, those that the chosen ones refer to included.
    reports: dict = dataclasses.field(default_factory=dict)
    # Why others have none.
    failures: dict = dataclasses.field(default_factory=dict)
    was_interrupted: bool = False

    @property
    def is_valid(self):
        rates = [report["items_per_second"] for report in self.reports.values()]
        return not self.failures and None not in rates


def measure_all(bench, chosen, flags, json_path, keeps_going=False):
    """Each report is written as soon as it is there. An interrupt ends the session, not what it has so far."""
    session = Session()
    for scenario in scenarios.with_references(chosen, flags):
        path = json_path(scenario.name)
        # What fails now must not look as it did before.
        path.unlink(missing_ok=True)
        try:
            scenario = scenario.with_rate(session.reports)
            report = bench.measure(scenario)
        except (Interrupted, KeyboardInterrupt):
            session.was_interrupted = True
            if not session.reports:
                raise
            print(f"interrupted  {scenario.name} has no result")
            break
        except BenchError as failure:
            if not keeps_going:
                raise
            session.failures[scenario.name] = str(failure)
            print(f"failed       {failure}")
            continue
        checks = target.judge(scenario, report, session.reports)
        report["checks"] = [vars(check) for check in checks]
        report["not_judged_because"] = target.reason_not_judged(scenario, report)
        session.reports[scenario.name] = report
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(report, indent=2) + "\n")
        print_summary(report)
        print(f"report       {path}")
        if report["interrupted"]:
            session.was_interrupted = True
            break
    return session


def print_summary(report):
    if report["items_per_second"] is None:
        for difference in report["model_check"]["differences"]:
            print(f"             {difference}")
        print(f"no rate is reported, because {report['invalid_because']}")
        return
    latency = report["batch_latency_ms"]
    print(
        f"\n{report['items_per_second']:,.0f} transactions/s "
        f"({report['items_total']:,} accepted, {report['rejected_total']:,} rejected, "
        f"{words.rate(report['rejected_per_second'])}; "
        f"{report['build_mode']} build{', interrupted' if report['interrupted'] else ''})\n"
        f"batches      p50 {latency['p50']:.2f} ms, p99 {latency['p99']:.2f} ms, "
        f"max {latency['max']:.2f} ms\n"
        f"machine      pauses of a thread that only sleeps: p99 {report['pause_ms']['p99']:.2f} ms, "
        f"max {report['pause_ms']['max']:.2f} ms\n"
        f"processor    server {report['server_cpu_ns_per_item']:.0f} ns, "
        f"client {report['client_cpu_ns_per_item']:.0f} ns a transaction\n"
        f"storage      level 0 files at most {report['l0_files_max']:.0f}, "
        f"{report['write_stalls']:.0f} write stalls, "
        f"journal {words.byte_count(report['journal_bytes'])}"
    )
    if report["checks"] and report["not_judged_because"]:
        print(f"target       not judged: {report['not_judged_because']}")
        return
    for check in report["checks"]:
        print(
            f"target       {check['what']} {check['target']}: {check['verdict']} "
            f"({check['measured']})"
        )


def print_side_by_side(reports):
    print(f"\n{'':12} {'transactions/s':>16} {'p50':>10} {'p99':>10} {'max':>10}")
    for name, report in reports.items():
        latency = report["batch_latency_ms"]
        print(
            f"{name:12} {report['items_per_second']:16,.0f} "
            + " ".join(f"{words.milliseconds(latency[key]):>10}" for key in ("p50", "p99", "max"))
        )
