"""Plots of one run over time, as a PNG."""

import io
import sys

from .errors import BenchError

try:
    import matplotlib
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
except ImportError:
    matplotlib = None

# Okabe and Ito's colours, which people with colour blindness tell apart.
_BLUE, _ORANGE, _GREEN, _PURPLE = "#0072b2", "#d55e00", "#009e73", "#9a5a8c"
_PALETTE = (_BLUE, _ORANGE, _GREEN, _PURPLE)
_TARGET = "#8a8a8a"

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#b0b0b0",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ececec",
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


def require_library():
    """To be called before hours of measuring."""
    if matplotlib is None:
        raise BenchError(
            "the report needs matplotlib (apt-get install python3-matplotlib), and the Python that "
            f"it is installed for; this one is {sys.executable}"
        )
    matplotlib.use("Agg")


def render(report, target):
    """The bytes of a PNG. `target` is the scenario's, for lines to compare with."""
    with pyplot.rc_context(_STYLE):
        figure, axes = pyplot.subplots(2, 4, figsize=(15, 5.6), layout="constrained")
        try:
            _draw(axes.flat, report, target)
            png = io.BytesIO()
            figure.savefig(png, format="png", dpi=110)
            return png.getvalue()
        finally:
            pyplot.close(figure)


def _draw(axes, report, target):
    axes = iter(axes)
    samples = _Samples(report)
    intervals = report["intervals"]
    ends = [interval["end_seconds"] for interval in intervals]

    # What the load generator measured.
    throughput = next(axes)
    throughput.plot(ends, [each["items_per_second"] for each in intervals], color=_BLUE)
    _finish(throughput, "Transactions a second", samples, FuncFormatter(_si))
    _target_line(throughput, target.get("items_per_second"))
    _latency(next(axes), intervals, target, samples)

    # What both cost.
    processor = next(axes)
    processor.plot(
        samples.seconds[1:], samples.growth_rate("cpu_seconds"), color=_BLUE, label="server"
    )
    processor.plot(
        ends, [each["client_cores"] for each in intervals], color=_ORANGE, label="client"
    )
    _finish(processor, "Processor time, cores", samples)
    _bytes(next(axes), "Server's resident memory", samples, {None: samples["resident_bytes"]})

    # What storage did.
    _bytes(next(axes), "Write-ahead log", samples, {None: samples["wal_bytes"]})
    _bytes(next(axes), "Table files", samples, samples.families("rocksdb_file_bytes"))
    files = next(axes)
    for color, (family, values) in zip(_PALETTE, samples.families("rocksdb_level0_files").items()):
        files.step(samples.seconds, values, where="post", color=color, label=family)
    _finish(files, "Level 0 files", samples)
    files.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    files.set_ylim(top=max(files.get_ylim()[1], 4))
    pending = samples.families("rocksdb_pending_compaction_bytes")
    _bytes(next(axes), "Pending compaction", samples, pending)


class _Samples:
    """The driver's samples of the load itself, on the load generator's clock."""

    def __init__(self, report):
        start, self.end = report["start_unix_seconds"], report["elapsed_seconds"]

        def seconds(sample):
            return sample["unix_seconds"] - start

        # One before, so that lines begin at the edge.
        self._samples = [
            sample for sample in report["samples"] if -1 <= seconds(sample) <= self.end
        ]
        self.seconds = [seconds(sample) for sample in self._samples]

    def __getitem__(self, key):
        return [sample[key] for sample in self._samples]

    def families(self, key):
        """By column family, those that are not always 0; all in one if there is none."""
        by_family = {}
        for sample in self._samples:
            for family, value in sample.get(key, {}).items():
                by_family.setdefault(family, []).append(value)
        used = {family: values for family, values in by_family.items() if any(values)}
        return used or {"all families": [0] * len(self._samples)}

    def growth_rate(self, key):
        pairs = list(zip(self.seconds, self[key]))
        return [
            (after - before) / (later - earlier)
            for (earlier, before), (later, after) in zip(pairs, pairs[1:])
        ]


def _latency(axes, intervals, target, samples):
    answered = [interval for interval in intervals if interval["batch_latency_ms"]]
    ends = [interval["end_seconds"] for interval in answered]
    for key, label, color in (
        ("max", "max", _PURPLE),
        ("p99", "p99", _ORANGE),
        ("p50", "p50", _BLUE),
    ):
        latencies = [interval["batch_latency_ms"][key] for interval in answered]
        axes.plot(ends, latencies, color=color, label=label)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    _finish(axes, "Batch latency, ms", samples, FuncFormatter(lambda value, _: f"{value:g}"))
    _target_line(axes, target.get("batch_p99_ms"))


def _bytes(axes, title, samples, series):
    largest = max(max(values) for values in series.values())
    factor, unit = (2**30, "GiB") if largest >= 2**31 else (2**20, "MiB")
    for color, (label, values) in zip(_PALETTE, series.items()):
        axes.plot(samples.seconds, [value / factor for value in values], color=color, label=label)
    _finish(axes, f"{title}, {unit}", samples)
    # A flat line at nothing is no reason for ticks of fractions.
    axes.set_ylim(top=max(axes.get_ylim()[1], 1))


def _finish(axes, title, samples, formatter=None):
    axes.set_title(title)
    axes.set_xlim(0, samples.end)
    axes.set_xlabel("seconds", color="#555555")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    if axes.get_yscale() == "linear":
        axes.set_ylim(0, axes.get_ylim()[1] * 1.05)
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    if formatter:
        axes.yaxis.set_major_formatter(formatter)
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(loc="best", ncols=len(labels))


def _target_line(axes, value):
    if value is None:
        return
    axes.axhline(value, color=_TARGET, linestyle="--", linewidth=1)
    axes.annotate(
        "target", (1, value), xycoords=("axes fraction", "data"), xytext=(0, 2),
        textcoords="offset points", ha="right", va="bottom", color=_TARGET, fontsize=8,
    )  # fmt: skip
    if axes.get_yscale() == "linear":
        axes.set_ylim(top=max(axes.get_ylim()[1], value * 1.1))


def _si(value, _):
    for factor, unit in ((1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:g}{unit}"
    return f"{value:g}"
