"""The report of a session as one HTML page that needs no other file."""

import base64
import html

from . import machine, measurement, words
from .target import MISSED, NOT_JUDGED, REACHED

_CSS = """
:root { --ink: #1d2329; --soft: #5d6770; --line: #dfe3e7; --panel: #f6f8f9; }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2.5rem 2rem 4rem; max-width: 1240px; color: var(--ink);
  background: #fff; font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { margin: 0; font-size: 1.75rem; }
h2 { margin: 3rem 0 .25rem; font-size: 1.2rem; }
p { margin: .25rem 0 1rem; max-width: 75ch; color: var(--soft); }
table { border-collapse: collapse; width: 100%; margin: 1rem 0;
  font-variant-numeric: tabular-nums; }
th { padding: .4rem .75rem; text-align: left; font-size: .8rem; font-weight: 600;
  color: var(--soft); border-bottom: 2px solid var(--line); }
td { padding: .4rem .75rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
td.name { font-weight: 600; white-space: nowrap; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: 3px; }
.verdict { display: inline-block; min-width: 5.5rem; padding: 0 .6rem; border-radius: 1rem;
  text-align: center; font-size: .85rem; font-weight: 600; white-space: nowrap; }
.reached { color: #0b5c33; background: #d9f2e3; }
.missed { color: #8c1d18; background: #fbe0de; }
.other { color: var(--soft); background: #eceff1; }
.invalid { padding: .75rem 1rem; border-left: 4px solid #b3261e; background: #fbe0de;
  color: #8c1d18; }
img { display: block; width: 100%; height: auto; margin: 1rem 0 .5rem; }
details { color: var(--soft); }
summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem; margin: .75rem 0;
  padding: .75rem 1rem; background: var(--panel); border-radius: 6px; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media print { h2 { break-before: page; } }
"""

_VERDICT_CLASSES = {REACHED: "reached", MISSED: "missed", NOT_JUDGED: "other"}


def render(title, time, host, disk, entries, failures):
    """`entries`: (scenario, report, PNG or None for a run without a rate) in the order to show."""
    valid = [entry for entry in entries if entry[1]["items_per_second"] is not None]
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{_text(time)}. Every transaction was on the disk before it was acknowledged, the load "
        "ran on the same machine, and after each run the data was audited.</p>",
        _targets(entries, failures),
        _figures(valid) if valid else "",
        _machine(host, disk),
        *(_section(*entry) for entry in entries),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_text(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_CSS}</style></head>\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _targets(entries, failures):
    rows = []

    def add(name, what, target, measured, verdict, kind):
        rows.append(
            _cell(name, "name") + _cell(_text(what)) + _cell(_text(target), "number")
            + _cell(_text(measured), "number") + _cell(_chip(verdict, kind))
        )  # fmt: skip

    for scenario, report, _ in entries:
        name = f'<a href="#{scenario.name}">{_text(scenario.title)}</a>'
        if report["items_per_second"] is None:
            add(name, report["invalid_because"], "", "", "no rate", "missed")
            continue
        for check in report["checks"]:
            kind = _VERDICT_CLASSES[check["verdict"]]
            add(name, check["what"], check["target"], check["measured"], check["verdict"], kind)
            name = ""
        if not report["checks"]:
            rate = words.rate(report["items_per_second"])
            add(name, "transactions", "", rate, "no target", "other")
    for name, reason in failures.items():
        add(_text(name), reason, "", "", "failed", "missed")
    head = _head("Scenario", "What", "#Target", "#Measured", "Verdict")
    return f"<h2>Targets</h2>{_table(head, rows)}"


def _figures(entries):
    head = _head("Scenario", "#Accepted/s", "#Rejected/s", "#p50, ms", "#p99, ms", "#p99.9, ms",
                 "#max, ms", "#Pause p99, ms", "#Server, ns", "#Client, ns", "#Level 0", "#Write stalls")  # fmt: skip
    rows = []
    for scenario, report, _ in entries:
        latency = report["batch_latency_ms"]
        values = [
            words.count(report["items_per_second"]),
            words.count(report["rejected_per_second"]),
            *(f"{latency[key]:,.2f}" for key in ("p50", "p99", "p999", "max")),
            f"{report['pause_ms']['p99']:,.2f}",
            words.count(report["server_cpu_ns_per_item"]),
            words.count(report["client_cpu_ns_per_item"]),
            words.count(report["l0_files_max"]),
            words.count(report["write_stalls"]),
        ]
        rows.append(
            _cell(_text(scenario.title), "name")
            + "".join(_cell(value, "number") for value in values)
        )
    return (
        "<h2>Figures</h2><p>Latency is of batches. Pause is what the machine kept a thread waiting "
        "that only sleeps. Processor time is for each transaction; level 0 is the most files at "
        f"once.</p>{_table(head, rows)}"
    )


def _machine(host, disk):
    sync = "not measured"
    if disk["mean_us"] is not None:
        sync = f"{disk['mean_us']:,.0f} µs, p99 {disk['p99_us']:,.0f} µs"
    return "<h2>Machine and settings of all runs</h2>" + _definitions({
        "machine": machine.in_words(host),
        "a synced 4 KiB write": sync,
        "durability": measurement.SYNC,
    })  # fmt: skip


def _section(scenario, report, png):
    body = [f'<h2 id="{scenario.name}">{_text(scenario.title)}</h2><p>{_text(scenario.shows)}</p>']
    if report["items_per_second"] is None:
        body.append(
            '<div class="invalid">No rate is reported, because '
            f"{_text(report['invalid_because'])}: {_text(report['integrity'])}</div>"
        )
    else:
        if report["not_judged_because"] and report["checks"]:
            body.append(f"<p>Not judged: {_text(report['not_judged_because'])}.</p>")
        data = base64.b64encode(png).decode()
        body.append(
            f'<img alt="{_text(scenario.title)} over time" src="data:image/png;base64,{data}">'
        )
    settings = {**report["settings"], "seed": report["seed"], "build": report["build_mode"]}
    settings = {name.replace("_", " "): value for name, value in settings.items()}
    outcome = {
        "accepted": words.count(report["items_total"]),
        "rejected": words.count(report["rejected_total"]),
        "journal": words.byte_count(report["journal_bytes"]),
        "commit groups": words.count(report["commit_groups"]),
        "audit": report["integrity"],
    }
    body.append(
        "<details><summary>Settings and outcome</summary>"
        f"{_definitions(settings)}{_definitions(outcome)}</details>"
    )
    return "\n".join(body)


def _table(head, rows):
    return f"<table>{head}{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _head(*titles):
    """A title that begins with # is of numbers."""
    cells = (
        f'<th class="number">{title[1:]}</th>' if title.startswith("#") else f"<th>{title}</th>"
        for title in titles
    )
    return f"<tr>{''.join(cells)}</tr>"


def _cell(content, kind=""):
    return f'<td class="{kind}">{content}</td>' if kind else f"<td>{content}</td>"


def _chip(label, kind):
    return f'<span class="verdict {kind}">{_text(label)}</span>'


def _definitions(values):
    items = "".join(
        f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in values.items()
    )
    return f"<dl>{items}</dl>"


def _text(value):
    return html.escape(str(value))
