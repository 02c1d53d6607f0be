#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the tests of the crate in this folder in Miri and says of each what came of it.

Miri reads the whole crate anew for each process, which takes longer than most tests: a process runs many of them. One
that calls C ends its process, and what would have come after it is run by the next. The limit is in processor time, so
that it means the same on a busy machine."""

import argparse
import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
# As libtest writes it: the name when the test begins, the rest when it has ended.
LINE = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED|ignored)?", re.MULTILINE)
# Few enough that no processor is left with nothing to do at the end.
AT_ONCE = 12


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", help="Rust's name of the system as on which the tests run")
    parser.add_argument("--seconds", type=int, default=60, help="processor time that a test may take")
    parser.add_argument("--skip", nargs="*", default=[], help="parts of names of tests that are known to take longer")
    parser.add_argument("--without", nargs="*", default=[], help="modules whose tests were run elsewhere")
    arguments = parser.parse_args()
    elsewhere = tuple(f"{module}::" for module in arguments.without)
    names = [name for name in list_tests(arguments.target) if not name.startswith(elsewhere)]
    left_out = [name for name in names if any(part in name for part in arguments.skip)]
    todo = Queue([name for name in names if name not in set(left_out)])
    workers = [threading.Thread(target=todo.work, args=(arguments,)) for _ in range(os.cpu_count() or 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seen = todo.seen
    long = seen["long"] + len(left_out)
    print(f"{seen['ok']} ok, {seen['calls C']} call C, {long} take too long, {seen['FAILED']} failed")
    return 1 if seen["FAILED"] or not seen["ok"] else 0


class Queue:
    """The tests that are still to be run, and what came of the others."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.seen: Counter[str] = Counter()
        self.lock = threading.Lock()

    def work(self, arguments: argparse.Namespace) -> None:
        while some := self.take():
            left = set(some)
            for name, outcome, log in run(some, arguments):
                left.discard(name)
                self.note(name, outcome, log)
            with self.lock:
                self.names[:0] = [name for name in some if name in left]

    def take(self) -> list[str]:
        with self.lock:
            some = self.names[:AT_ONCE]
            del self.names[:AT_ONCE]
            return some

    def note(self, name: str, outcome: str, log: str) -> None:
        with self.lock:
            self.seen[outcome] += 1
            if outcome != "ok":
                print(f"{outcome}: {name}", flush=True)
            if outcome == "FAILED":
                print(log, flush=True)


def command(target: str | None, *options: str) -> list[str]:
    system = ["--target", target] if target else []
    return ["cargo", "+nightly", "miri", "test", "--quiet", "--lib", *system, "--", *options]


def list_tests(target: str | None) -> list[str]:
    listed = subprocess.run(command(target, "--list"), stdout=subprocess.PIPE, text=True)
    if listed.returncode != 0:
        sys.exit("miri-tests.py: the tests cannot be listed")
    return [line.removesuffix(": test") for line in listed.stdout.splitlines() if line.endswith(": test")]


def run(names: list[str], arguments: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """Name, outcome and log of at least one of the tests, until something ends the process."""
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command(arguments.target, "--exact", "--test-threads=1", "--format=pretty", *names),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        output, running, begun, told = "", "", 0.0, 0
        too_long = False
        while True:
            if select.select([process.stdout], [], [], 1)[0]:
                block = os.read(process.stdout.fileno(), 1 << 16)
                if not block:
                    break
                output += block.decode(errors="replace")
                found = list(LINE.finditer(output))
                finished = [one for one in found if one[2]]
                for one in finished[told:]:
                    # What a failed test says is written at the end, when all have been run.
                    if one[2] != "FAILED":
                        yield one[1], "ok", ""
                told = len(finished)
                if found and found[-1][1] != running:
                    running, begun = found[-1][1], processor_time(process.pid)
            elif processor_time(process.pid) - begun > arguments.seconds:
                too_long = True
                for one in descendants(process.pid):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(one, signal.SIGKILL)
                break
        process.wait()
        process.stdout.close()
        errors.seek(0)
        said = errors.read()
        log = "\n".join((output + said).splitlines()[-60:])
        found = list(LINE.finditer(output))
        yield from ((one[1], "FAILED", log) for one in found if one[2] == "FAILED")
        if not found:
            # Not even begun: there is no use in trying once more.
            yield from ((name, "FAILED", log) for name in names)
        elif not found[-1][2]:
            unsupported = "error: unsupported operation" in said
            yield found[-1][1], "long" if too_long else "calls C" if unsupported else "FAILED", log


def processor_time(process: int) -> float:
    """Of a process and its descendants that are still there, in seconds."""
    return sum(descendants(process).values()) / TICKS


def descendants(process: int) -> dict[int, int]:
    """They and their processor time, in ticks; the process itself is among them."""
    parents, ticks = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name, in brackets, may have blanks.
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        number = int(stat.parent.name)
        parents[number], ticks[number] = int(fields[1]), int(fields[11]) + int(fields[12])
    found = {process}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return {one: ticks[one] for one in found if one in ticks}


if __name__ == "__main__":
    sys.exit(main())
