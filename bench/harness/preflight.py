"""Whether the disk is fit for a benchmark of synced writes.

A commit costs at least one synced write. Measured first, it tells how much of a result is the
disk's, and stops a run on a disk that would make the result meaningless.
"""

import json
import shutil
import subprocess

from .errors import BenchError


def measure_sync_write(folder, seconds):
    """Mean and 99th percentile of a synced 4 KiB write at a random place, in microseconds."""
    if shutil.which("fio") is None:
        raise BenchError(
            "the disk preflight needs fio: install it (apt-get install fio), or skip the "
            "preflight with --preflight-seconds 0"
        )
    command = [
        "fio", "--name=preflight", f"--directory={folder}", "--size=64m", "--rw=randwrite",
        "--bs=4k", "--direct=1", "--sync=1", "--time_based", f"--runtime={seconds}", "--unlink=1",
        "--output-format=json",
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise BenchError(f"the disk preflight failed: {result.stderr.strip() or result.stdout}")
    # Warnings may stand before the JSON.
    report = json.loads(result.stdout[result.stdout.index("{") :])
    latency = report["jobs"][0]["write"]["clat_ns"]
    return {
        "mean_us": latency["mean"] / 1000,
        "p99_us": latency["percentile"]["99.000000"] / 1000,
    }


def require_fast_enough(measured, gate_us):
    """Refuses a disk beyond the gate; a gate of 0 lets every disk pass."""
    if gate_us > 0 and measured["mean_us"] > gate_us:
        raise BenchError(
            f"a synced 4 KiB write takes {measured['mean_us']:.0f} us on this disk, and the gate "
            f"is {gate_us:.0f} us. Use another disk (--data), or raise the gate "
            "(--preflight-gate-us or PREFLIGHT_GATE_US; 0 for none)."
        )
