"""Whether the disk is fit for a benchmark of synced writes.

A commit costs at least one synced write. Measured first, it tells how much of a result is the
disk's, and stops a run on a disk that would make the result meaningless.
"""

import json
import os
import shutil
import subprocess
import time

from .errors import BenchError

_CALM_SECONDS = 4
_CALM_SECONDS_MAX = 60
_STALL_SECONDS = 0.04
_PAUSE_SECONDS = 0.005


def measure_sync_write(folder, seconds):
    """Mean and 99th percentile of a synced 4 KiB write at a random place, in microseconds: into blocks that were
    written before, as those of the server's logs are. Others are marked as written then, which is another wait."""
    if shutil.which("fio") is None:
        raise BenchError(
            "the disk preflight needs fio: install it (apt-get install fio), or skip the "
            "preflight with --preflight-seconds 0"
        )
    command = [
        "fio", "--name=preflight", f"--directory={folder}", "--size=64m", "--rw=randwrite",
        "--bs=4k", "--direct=1", "--sync=1", "--overwrite=1", "--time_based", f"--runtime={seconds}",
        "--unlink=1", "--output-format=json",
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


def wait_until_calm(folder):
    """Waits until synced writes have not stalled for a while.

    Some disks are told which blocks are free, and stall every other second while they work off a
    few GB that were deleted: those of the run before. Returns the seconds that it took beyond the
    least, or None if the disk did not calm down.
    """
    path = folder / "calm"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        start = calm_since = time.monotonic()
        while True:
            before = time.monotonic()
            os.pwrite(descriptor, bytes(4096), 0)
            os.fdatasync(descriptor)
            now = time.monotonic()
            if now - before > _STALL_SECONDS:
                calm_since = now
            if now - calm_since >= _CALM_SECONDS:
                return calm_since - start
            if now - start >= _CALM_SECONDS_MAX:
                return None
            time.sleep(_PAUSE_SECONDS)
    finally:
        os.close(descriptor)
        path.unlink()
