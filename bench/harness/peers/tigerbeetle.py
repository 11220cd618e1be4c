"""TigerBeetle, if its binary is on the PATH: its own benchmark, on one replica of its own.

Its transfers are of its fixed schema; every one is recorded, and none is rejected.
"""

import re
import shutil

from ..errors import BenchError
from . import peer

# Transfers of a run: a first run tells how many a run of the time asked for takes.
_FIRST_COUNT = 500_000
_CLIENTS = (1, 2, 4)


def is_present():
    return shutil.which("tigerbeetle") is not None


class TigerBeetle:
    name = "TigerBeetle"

    def __init__(self, folder):
        """`folder` is a fresh one."""
        self._folder = folder
        self._binary = peer.require_command("tigerbeetle")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def forms(self):
        """The form's name, and its variants: numbers of clients."""
        return {"its own benchmark, 8,189 in a batch": list(_CLIENTS)}

    def measure(self, form, clients, seconds):
        rate = self._run(clients, _FIRST_COUNT)[0]
        rate, output = self._run(clients, max(_FIRST_COUNT, round(rate * seconds)))
        version = peer.output_of([self._binary, "version"], timeout=30).strip()
        return peer.Result(
            system=self.name, form=form, items_per_second=rate,
            p50_ms=_number(output, r"batch latency p50 += +([\d.]+) ms", is_required=False),
            p99_ms=_number(output, r"batch latency p99 += +([\d.]+) ms", is_required=False),
            client=f"tigerbeetle benchmark --clients={clients} --account-count={peer.ACCOUNTS}",
            server=version, check="its own",
        )  # fmt: skip

    def _run(self, clients, count):
        """Transfers a second, and what the benchmark printed. It starts and ends its own replica,
        in its working folder."""
        output = peer.output_of(
            [self._binary, "benchmark", f"--account-count={peer.ACCOUNTS}",
             f"--transfer-count={count}", f"--clients={clients}"],
            timeout=900, cwd=self._folder,
        )  # fmt: skip
        return _number(output, r"load accepted = ([\d,]+) tx/s"), output


def _number(text, pattern, is_required=True):
    match = re.search(pattern, text)
    if match:
        return float(match[1].replace(",", ""))
    if is_required:
        raise BenchError(f"tigerbeetle benchmark printed no rate:\n{text[-2000:]}")
    return None
