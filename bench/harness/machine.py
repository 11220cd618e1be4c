"""What the benchmark runs on."""

import contextlib
import os
import platform
import tempfile
from pathlib import Path

from .errors import BenchError

# See "PM Quality Of Service Interface" in the Linux kernel's documentation.
PROCESSOR_LATENCY = Path("/dev/cpu_dma_latency")
IDLE_DRIVER = Path("/sys/devices/system/cpu/cpuidle/current_driver")

_SYNC_COUNT = 500


def describe(folder):
    """The machine, and the file system that holds `folder`."""
    mount_point, device, file_system = _mount_of(folder)
    return {
        "cpu": _field(Path("/proc/cpuinfo"), "model name") or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "kernel": f"{platform.system()} {platform.release()}",
        "file_system": file_system,
        "device": device,
        "mount_point": mount_point,
    }


def _field(path, name):
    """The first value of `name : value` lines; None where the kernel tells none."""
    for line in path.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _mount_of(folder):
    """The mount with the longest path that contains the folder: later mounts cover earlier ones."""
    folder = Path(folder).resolve()
    best = ("/", "unknown", "unknown")
    for line in Path("/proc/mounts").read_text().splitlines():
        device, mount_point, file_system = line.split()[:3]
        mount_point = mount_point.encode().decode("unicode_escape")
        covers = folder == Path(mount_point) or Path(mount_point) in folder.parents
        if covers and len(mount_point) >= len(best[0]):
            best = (mount_point, device, file_system)
    return best


def why_processors_sleep():
    """Why this process can't keep processors awake, in words; None if it can."""
    if not os.access(PROCESSOR_LATENCY, os.W_OK):
        return f"no write access to {PROCESSOR_LATENCY}"
    if IDLE_DRIVER.exists() and IDLE_DRIVER.read_text().strip() == "none":
        return f"the kernel has no driver for idle processors ({IDLE_DRIVER})"
    return None


@contextlib.contextmanager
def processors_kept_awake():
    """Idle processors spin instead of sleeping."""
    if reason := why_processors_sleep():
        raise BenchError(f"processors can't be kept awake: {reason}")
    with open(PROCESSOR_LATENCY, "wb", buffering=0) as device:
        device.write(bytes(4))
        yield


def processor_of_syncs(folder):
    """The one that devices interrupt most while a file in the folder is synced: mostly the disk's."""
    before = _interrupt_counts()
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_SYNC_COUNT):
            os.pwrite(file.fileno(), bytes(4096), 0)
            os.fdatasync(file.fileno())
    after = _interrupt_counts()
    return max(after, key=lambda processor: after[processor] - before[processor])


def _interrupt_counts():
    """By processor, those of devices: of the lines that begin with a number (proc(5))."""
    header, *lines = Path("/proc/interrupts").read_text().splitlines()
    rows = [line.split() for line in lines]
    rows = [row for row in rows if row[0].rstrip(":").isdigit()]
    processors = [int(name.removeprefix("CPU")) for name in header.split()]
    return {
        processor: sum(int(row[1 + column]) for row in rows)
        for column, processor in enumerate(processors)
    }


@contextlib.contextmanager
def on_processor(processor):
    """What is started meanwhile runs there."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def in_words(host):
    return (
        f"{host['cpu']}, {host['cores']} cores, {host['memory_bytes'] / 2**30:.1f} GiB, "
        f"{host['kernel']}, {host['file_system']} on {host['device']}"
    )
