#!/usr/bin/env python3
"""Runs the tests with a sanitizer's instrumentation in all Swift and C code, the binaries that the system
tests start included, and tells what ran and what was found.

    sanitize.py address|thread [--filter REGEX]

`address` has the C code under UndefinedBehaviorSanitizer as well; Swift checks for itself what that does.
Ends with status 1 if a test fails or the sanitizer has a finding.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import runner

ROOT = pathlib.Path(__file__).resolve().parent.parent

FLAGS = {
    # AddressSanitizer's runtime has that of UndefinedBehaviorSanitizer in it.
    "address": [
        "--sanitize=address",
        *("-Xcc", "-fsanitize=undefined", "-Xcc", "-fno-sanitize-recover=undefined"),
    ],
    "thread": ["--sanitize=thread"],
}

FOLDERS = {"address": ".build-asan", "thread": ".build-tsan"}

# What has threads, from the socket to the disk and back.
THREADED_TESTS = "(AtomicStateServer|AtomicStateClient|AtomicStateStorage|AtomicStateBench|System)Tests"

# The file layer is loaded before all other libraries, where a sanitizer's runtime has to be. The hostile
# peers' bounds on time and memory, and the soak's, are for code without instrumentation. The generator
# that a call's attempts are tested with has no content, and what ThreadSanitizer is told of its address is
# not one.
SKIPPED_TESTS = "PowerLossTests|DiskFaultTests|HostilePeer|SoakTests|CallAttemptsTests"

# What ThreadSanitizer reports because it does not see the whole. A report is not counted only if the
# stacks of the two accesses, not those of the threads or of the memory, are as described here.
#
# - libswift_Concurrency.so is not instrumented: how one thread hands a Swift task over to the next is
#   not seen, and all that a task does on both seems to be a race. The server's own threads (event loops,
#   writer, committer, materialiser) run no tasks.
# - libswiftSynchronization.so is not instrumented: what two threads do to the state of a `Mutex` under
#   its lock seems to be a race. That the state is used under its lock alone, the compiler sees to.
TASKS = "Swift tasks handed over"
LOCKED = "state under the lock of a Mutex"

# The type of what `Mutex.withLock` calls, as the names of functions have it: its parameter is `inout
# sending`, its result `sending`; what it throws may be between.
LOCKED_CLOSURE = re.compile(r"zYu(\w+YK)?YT\w*E")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("sanitizer", choices=FLAGS)
    parser.add_argument("--filter", help="the tests to run, as `swift test` takes it")
    arguments = parser.parse_args()
    name = arguments.sanitizer
    os.environ["ATOMIC_STATE_SANITIZER"] = name  # For Package.swift.
    selection = arguments.filter or (THREADED_TESTS if name == "thread" else None)
    build(name)
    with tempfile.TemporaryDirectory(prefix="atomic-state-sanitize-") as folder:
        summary, has_passed = test(name, selection, folder)
        findings, uncounted = read_reports(name, pathlib.Path(folder))
    for finding in findings[:20]:
        print(finding)
    print(f"{name}: {summary}")
    print(f"{name}: {len(findings)} findings")
    for reason, count in sorted(uncounted.items()):
        print(f"{name}: {count} reports not counted: {reason}")
    sys.exit(0 if has_passed and not findings else 1)


def package(name):
    swift_flags = ("-Xswiftc", "-enable-testing", "-Xswiftc", "-DSANITIZED")
    return ["-c", "release", "--scratch-path", FOLDERS[name], *swift_flags, *FLAGS[name]]


def build(name):
    run = subprocess.run(["swift", "build", "--build-tests", *package(name)], cwd=ROOT)
    if run.returncode != 0:
        sys.exit(f"{name}: the build failed")


def test(name, selection, folder):
    """The runner's closing line, and whether all tests passed.

    One test at a time: instrumented code is slow, and the tests' time limits are for code that is not.
    """
    # The processes end with their own status: tests look at it. Leaks are not looked for: pointers to what
    # an enumeration's indirect case holds have the case in their spare bits, and are none to LeakSanitizer.
    options = f"log_path={folder}/report:detect_leaks=0:exitcode=0"
    environment = {**os.environ, "ASAN_OPTIONS": options, "TSAN_OPTIONS": options}
    command = ["swift", "test", "--skip-build", "--disable-xctest", "--no-parallel", *package(name)]
    command += ["--skip", SKIPPED_TESTS]
    if selection:
        command += ["--filter", selection]
    run = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    summary = "no test ran"
    failures = runner.FailureText()
    for line in run.stdout:
        is_of_failure = failures.includes(line)
        if "Test run with" in line and "started" not in line:
            summary = line.strip()
        elif is_of_failure or "error:" in line:
            print(line, end="")
    return summary, run.wait() == 0 and "passed" in summary


def read_reports(name, folder):
    findings = []
    uncounted = collections.Counter()
    for file in sorted(folder.iterdir()):
        text = file.read_text(errors="replace")
        if name == "address":
            findings.append(text)
            continue
        for report in re.split(r"^={18}$", text, flags=re.MULTILINE):
            if "WARNING: ThreadSanitizer" not in report:
                continue
            reason = reason_not_to_count(report)
            if reason:
                uncounted[reason] += 1
            else:
                findings.append(report)
    return findings, uncounted


def reason_not_to_count(report):
    if not re.search("WARNING: ThreadSanitizer: (data|Swift access) race", report):
        return None
    accesses = re.split(r"\n  (?:Location is|Thread T|Mutex M|As if)", report)[0]
    if "libswift_Concurrency.so" in accesses:
        return TASKS
    stacks = accesses.split("\n  Previous ")
    # A process that a test kills may leave the beginning of a report.
    is_cut = "SUMMARY: " not in report
    if (is_cut or len(stacks) == 2) and all(LOCKED_CLOSURE.search(stack) for stack in stacks):
        return LOCKED
    return None


if __name__ == "__main__":
    main()
