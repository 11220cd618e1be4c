"""Scenarios, each a file of bench/scenarios: its settings, its target, and what it shows."""

import dataclasses
import tomllib

from . import settings
from .errors import BenchError
from .target import TARGETS

FOLDER = settings.ROOT / "bench/scenarios"
DEFAULT = "batch-1000"


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    shows: str
    # Load settings, resolved; `rate` may still have to be found (see `rate_of`).
    settings: dict
    target: dict
    # The load settings that differ from the file's, so that its target does not apply.
    changed: tuple
    # In open loop: the scenario whose rate counts, and the share of it to ask for.
    rate_of: str | None = None
    rate_share: float | None = None

    @property
    def keeps_processors_awake(self):
        return self.settings["keep_processors_awake"]

    @property
    def runs_on_one_processor(self):
        return self.settings["one_processor"]

    @property
    def is_limited_by_syncs(self):
        return "sync_limit_share" in self.target

    @property
    def references(self):
        """Scenarios that have to be measured before this one."""
        slowdown_of = self.target.get("slowdown", {}).get("of")
        return [name for name in (self.rate_of, slowdown_of) if name]

    def with_rate(self, reports):
        """Itself, once what its rate depends on is measured."""
        if self.rate_of is None:
            return self
        reference = reports.get(self.rate_of, {}).get("items_per_second")
        if reference is None:
            raise BenchError(
                f"{self.name}: there is no rate of {self.rate_of} to ask for a share of"
            )
        resolved = {**self.settings, "rate": round(reference * self.rate_share)}
        return dataclasses.replace(self, settings=resolved, rate_of=None, rate_share=None)


def names():
    """In the order in which a report shows them."""
    paths = FOLDER.glob("*.toml")
    return [path.stem for path in sorted(paths, key=lambda path: _content(path)["order"])]


def load(name, flags=None):
    path = FOLDER / f"{name}.toml"
    if not path.is_file():
        raise BenchError(f"no scenario '{name}': expected one of {', '.join(names())}")
    content = _content(path)
    in_file = content.get("settings", {})
    resolved = settings.resolve(in_file, flags)
    # A rate that was asked for goes before the file's share of another scenario's.
    rate = content.get("rate") if resolved["rate"] == 0 else None
    return Scenario(
        name=name, title=content["title"], shows=content["shows"], settings=resolved,
        target=content.get("target", {}), changed=_changed(in_file, resolved),
        rate_of=rate and rate["of"], rate_share=rate and rate["share"],
    )  # fmt: skip


def with_references(scenarios, flags=None):
    """The scenarios in an order in which each comes after what it refers to."""
    ordered = {}

    def add(scenario):
        for name in scenario.references:
            if name not in ordered:
                add(load(name, flags))
        ordered[scenario.name] = scenario

    for scenario in scenarios:
        add(scenario)
    return list(ordered.values())


def _changed(in_file, resolved):
    as_described = settings.resolve(in_file, environment={})
    changed = (
        name
        for name, value in resolved.items()
        if name not in settings.FREE and value != as_described[name]
    )
    return (*changed, *settings.of_server())


def _content(path):
    try:
        content = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as failure:
        raise BenchError(f"{path}: {failure}") from failure
    sections = {"order", "title", "shows", "settings", "rate", "target"}
    unknown = (content.keys() - sections) | (content.get("target", {}).keys() - TARGETS.keys())
    if unknown:
        raise BenchError(f"{path}: unknown: {', '.join(sorted(unknown))}")
    return content
