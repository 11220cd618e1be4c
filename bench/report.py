#!/usr/bin/env python3
"""Measures all scenarios, and writes a page about them with plots: bench/out/report.html."""

import datetime
import json
import os

from harness import command, machine, page, plots, scenario, session, settings
from harness.errors import BenchError
from harness.measurement import Bench

TITLE = "Atomic State benchmark"
# All scenarios together take about five minutes then.
DURATION = "12s"


def parse_arguments():
    parser = settings.parser(__doc__)
    parser.add_argument(
        "scenarios", nargs="*", metavar="scenario",
        help=f"any of {', '.join(scenario.names())} (all that the machine allows)",
    )  # fmt: skip
    parser.add_argument("--duration", help=f"of each run (BENCH_DURATION; {DURATION})")
    parser.add_argument(
        "--render-only", action="store_true", help="of the reports in bench/out; measure nothing"
    )
    settings.add_bench_options(parser)
    arguments = parser.parse_args()
    arguments.duration = arguments.duration or os.environ.get("BENCH_DURATION") or DURATION
    return arguments


def main():
    arguments = parse_arguments()
    plots.require_library()
    chosen = chosen_scenarios(arguments)
    settings.OUT.mkdir(parents=True, exist_ok=True)
    if arguments.render_only:
        measured = session.Session(reports=read_reports(chosen))
    else:
        measured = session.measure_all(
            Bench(arguments), chosen, arguments, report_path, keeps_going=True
        )
    write_page(measured.reports, measured.failures)
    if not measured.is_valid:
        return 1
    return command.INTERRUPTED if measured.was_interrupted else 0


def chosen_scenarios(arguments):
    if arguments.scenarios:
        return [scenario.load(name, arguments) for name in arguments.scenarios]
    loaded = [scenario.load(name, arguments) for name in scenario.names()]
    reason = machine.why_processors_sleep()
    if reason is None:
        return loaded
    skipped = [each.name for each in loaded if each.keeps_processors_awake]
    print(f"left out     {', '.join(skipped)}: {reason}")
    return [each for each in loaded if not each.keeps_processors_awake]


def report_path(name):
    return settings.OUT / f"{name}.json"


def read_reports(chosen):
    paths = {each.name: report_path(each.name) for each in chosen}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


def write_page(reports, failures):
    if not reports:
        raise BenchError("there is nothing to report")
    if len({json.dumps(report["machine"], sort_keys=True) for report in reports.values()}) > 1:
        raise BenchError(f"the reports in {settings.OUT} are of different machines")
    entries = []
    for name in (name for name in scenario.names() if name in reports):
        shown, report, png = scenario.load(name), reports[name], None
        path = settings.OUT / f"{name}.png"
        path.unlink(missing_ok=True)
        if report["items_per_second"] is not None:
            png = plots.render(report, shown.target)
            path.write_bytes(png)
        entries.append((shown, report, png))
    first = entries[0][1]
    disk = {"mean_us": first["fsync_preflight_us"], "p99_us": first["fsync_preflight_p99_us"]}
    start = min(report["start_unix_seconds"] for report in reports.values())
    time = datetime.datetime.fromtimestamp(start, datetime.UTC).strftime("%-d %B %Y, %H:%M UTC")
    path = settings.OUT / "report.html"
    path.write_text(page.render(TITLE, time, first["machine"], disk, entries, failures))
    print(f"\npage         {path}")


if __name__ == "__main__":
    command.run(main)
