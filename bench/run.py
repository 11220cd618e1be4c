#!/usr/bin/env python3
"""Measures scenarios: for each a server on a fresh data folder, load, samples, audit, report."""

from pathlib import Path

from harness import command, scenario, session, settings
from harness.errors import BenchError
from harness.measurement import Bench


def parse_arguments():
    parser = settings.parser(__doc__)
    parser.add_argument(
        "scenarios", nargs="*", default=[scenario.DEFAULT], metavar="scenario",
        help=f"one or several of {', '.join(scenario.names())} ({scenario.DEFAULT})",
    )  # fmt: skip
    settings.add_load_options(parser)
    settings.add_bench_options(parser)
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="the report (bench/out/SCENARIO.json)"
    )
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    chosen = [scenario.load(name, arguments) for name in arguments.scenarios]
    if arguments.json and len(chosen) > 1:
        raise BenchError("--json names one file: expected one scenario")

    def json_path(name):
        is_chosen = name in arguments.scenarios
        return arguments.json if arguments.json and is_chosen else settings.OUT / f"{name}.json"

    measured = session.measure_all(Bench(arguments), chosen, arguments, json_path)
    if not measured.is_valid:
        return 1
    if len(measured.reports) > 1:
        session.print_side_by_side(measured.reports)
    return command.INTERRUPTED if measured.was_interrupted else 0


if __name__ == "__main__":
    command.run(main)
