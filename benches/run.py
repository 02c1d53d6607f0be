#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Measures this library against libESMTP and against the least that the sockets allow.

All three do the same work in the same run against the same server (sink.c): `load` linked to
either library, and `floor`. Prints the table of metrics and targets; a full run also writes
docs/performance.md and its plots. Needs cc, valgrind, openssl and libesmtp-dev."""

import argparse
import collections
import concurrent.futures
import fnmatch
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import programs, report
from harness.measure import Bench, Failed
from harness.metrics import BOTH, COUNT, METRICS, SET_UP, TIME, WAIT, set_up
from harness.programs import Subject

# Runs of each subject for a time, of which the median counts.
ROUNDS, QUICK_ROUNDS = 9, 3


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ours", type=Path, help="our libesmtp.so.6; default: build/libesmtp.so.6")
    parser.add_argument("--reference", type=Path, help="the library to compare with; default: the system's")
    parser.add_argument("--quick", action="store_true", help="a minute instead of ten; nothing is written")
    parser.add_argument("--only", action="append", metavar="ROW", help="these rows; may have *; nothing is written")
    parser.add_argument(
        "--subject", action="append", metavar="NAME", help="these alone: reference, ours, floor, a peer"
    )
    parser.add_argument("--peers", action="store_true", help="with --only or --quick: other libraries too")
    parser.add_argument("--small", type=Path, help="ours without SRV names; default: build-small/libesmtp.so.6")
    parser.add_argument("--list", action="store_true", help="print the rows' names")
    parser.add_argument("--profile", action="store_true", help="with --only: where our instructions go")
    parser.add_argument("--output", type=Path, default=programs.ROOT / "docs", help="where to write; default: docs")
    return parser.parse_args()


def chosen(options):
    metrics = [metric for metric in METRICS if metric.quick or not options.quick]
    if options.only:
        metrics = [m for m in metrics if any(fnmatch.fnmatchcase(m.name, pattern) for pattern in options.only)]
    return metrics or sys.exit("no such row (see --list)")


class Table:
    """Runs the metrics and keeps what came out."""

    def __init__(self, bench: Bench, subjects: dict[str, Subject], rounds: int | None):
        self.bench = bench
        self.subjects = subjects
        self.rounds = rounds
        self.values: dict[tuple[str, str], float | Failed] = {}

    def measure(self, metric, name):
        try:
            return metric.measure(self.bench, self.subjects[name])
        except Failed as reason:
            return reason

    def side_by_side(self, metrics, workers):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            cells = {
                (metric.name, name): pool.submit(self.measure, metric, name)
                for metric in metrics
                for name in metric.subjects
                if name in self.subjects
            }
            for cell, future in cells.items():
                self.values[cell] = future.result()
                self.say(cell)

    def by_turns(self, metric):
        """A slow moment of the machine's hits all subjects alike."""
        found = {name: [] for name in metric.subjects if name in self.subjects}
        for _ in range(metric.rounds or self.rounds):
            for name, values in found.items():
                if not any(isinstance(value, Failed) for value in values):
                    values.append(self.measure(metric, name))
        for name, values in found.items():
            bad = [value for value in values if isinstance(value, Failed)]
            self.values[metric.name, name] = bad[0] if bad else statistics.median(values)
            self.say((metric.name, name))

    def say(self, cell):
        print(f"  {cell[0]}, {cell[1]}: {self.values[cell]}", file=sys.stderr, flush=True)

    def fill(self, metrics):
        phases = {phase: [m for m in metrics if m.phase == phase] for phase in (COUNT, WAIT, TIME)}
        self.side_by_side(phases[COUNT], 2)
        self.side_by_side(phases[WAIT], 6)
        for metric in phases[TIME]:
            self.by_turns(metric)

    def curves(self):
        """Instructions by the number of messages or recipients that are added and destroyed."""
        return {
            what: {
                name: [(number, set_up(what, number)(self.bench, self.subjects[name])) for number in SET_UP]
                for name in BOTH
            }
            for what in ("recipients", "messages")
        }


def profile(bench, subject, metrics):
    """The functions in which the instructions of a row are spent, those of its larger size."""
    for metric in metrics:
        bench.profile = bench.work / "profile"
        metric.measure(bench, subject)
        command = ["callgrind_annotate", "--auto=no", "--threshold=100", str(bench.profile)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        functions = collections.Counter()
        for count, place in re.findall(r"^ *([\d,]+) \(.*?%\)  (\S.*)$", text, re.MULTILINE):
            # What was inlined is listed under its file and the function that it was put into.
            functions[re.sub(r" \[.*\]$", "", place).partition(":")[2]] += int(count.replace(",", ""))
        whole = functions.pop("", 0) or sum(functions.values())
        print(f"== {metric.name}: {whole:,}")
        for name, count in functions.most_common(25):
            print(f"{count:>14,}  {count * 100 / whole:5.1f} %  {name}")


def main():
    options = arguments()
    if options.list:
        print("\n".join(metric.name for metric in METRICS))
        return
    programs.need("cc", "valgrind", "openssl")
    metrics = chosen(options)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="esmtp-bench-") as folder:
        work = Path(folder)
        libraries = {
            "reference": options.reference or programs.system_library(),
            "ours": options.ours or programs.built_library(),
        }
        subjects = {
            name: Subject(name, programs.install_library(path, work / name)) for name, path in libraries.items()
        }
        subjects["floor"] = Subject("floor", None, "floor")
        built = programs.compile_all(work)
        if options.peers or not (options.quick or options.only):
            built |= programs.compile_peers(work, programs.PEERS)
            for name, (_, package) in programs.PEERS.items():
                subjects[name] = Subject(name, None, name, f"needs {package}")
        if options.subject:
            subjects = {name: subject for name, subject in subjects.items() if name in options.subject}
        certificate = programs.make_certificate(work)
        bench = Bench(built, certificate, programs.trust(certificate[0], work / "trusted"), work)
        small = options.small or programs.ROOT / "build-small" / programs.SONAME
        if small.exists():
            bench.small = Subject("small", programs.install_library(small, work / "small"))
        try:
            if options.profile:
                profile(bench, subjects["ours"], metrics)
                return
            table = Table(bench, subjects, QUICK_ROUNDS if options.quick else ROUNDS)
            table.fill(metrics)
            rows = report.rows(metrics, table.values)
            print(report.plain(rows))
            if not options.quick and not options.only:
                report.write(options.output, rows, table.curves(), libraries)
        finally:
            bench.close()
    print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
