"""Quantities for people."""


def rate(value):
    return f"{value:,.0f}/s"


def milliseconds(value):
    return f"{value:.3g} ms" if value < 10 else f"{value:,.0f} ms"


def count(value):
    return f"{value:,.0f}"


def byte_count(value):
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
