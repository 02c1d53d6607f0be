#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Compares two libesmtp.so.6: the same program against the same scripted server."""

import argparse
import fnmatch
import pathlib
import re
import subprocess
import sys

# The source tree may be read-only, and should stay clean.
sys.dont_write_bytecode = True

from comparison import judge  # noqa: E402
from execution import SONAME, stage  # noqa: E402
from scenario import load  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def system_library():
    """Where the dynamic linker finds the installed library."""
    for tool in ("ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"):
        try:
            listing = subprocess.run([tool, "-p"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            continue
        if match := re.search(rf"{re.escape(SONAME)} .*=> (\S+)", listing):
            return match[1]
    sys.exit("no reference library installed; name one with --reference")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", required=True, type=pathlib.Path, help="the compiled driver")
    parser.add_argument("--reference", help="the library to compare with; default: the system's")
    parser.add_argument("--ours", help="the library under test")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="scenarios, may have *")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="scenarios run at once (default 2)")
    parser.add_argument("--show", action="store_true", help="print both runs of each scenario")
    parser.add_argument("--only-reference", action="store_true", help="run the reference alone and print it")
    parser.add_argument("--list", action="store_true", help="print the scenarios' names")
    options = parser.parse_args()
    if not options.ours and not options.only_reference and not options.list:
        parser.error("--ours, --only-reference or --list is needed")
    return options


def scenarios(options):
    found = [scenario for path in sorted((HERE / "scenarios").glob("*.txt")) for scenario in load(path)]
    names = [scenario.name for scenario in found]
    if doubled := {name for name in names if names.count(name) > 1}:
        sys.exit(f"names used twice: {', '.join(sorted(doubled))}")
    if not options.only:
        return found
    chosen = [s for s in found if any(fnmatch.fnmatchcase(s.name, pattern) for pattern in options.only)]
    return chosen or sys.exit("no such scenario")


def report(scenario, verdict, runs, show):
    rows = f" (differs: {' '.join(map(str, scenario.rows))})" if scenario.differs else ""
    if verdict:
        print(f"FAIL {scenario.name}{rows}")
        print("".join(f"    {line}\n" for line in verdict), end="")
    if show:
        for name, lines in runs.items():
            print(f"---- {scenario.name}, {name}{rows}")
            print("".join(f"{line}\n" for line in lines), end="")
    sys.stdout.flush()


def main():
    options = arguments()
    chosen = scenarios(options)
    if options.list:
        print("\n".join(scenario.name for scenario in chosen))
        return 0
    libraries = {"reference": options.reference or system_library()}
    if not options.only_reference:
        libraries["ours"] = options.ours
    passed = failed = 0
    with stage(options.driver, options.j, **libraries) as (run, each):
        results = each(lambda scenario: {name: run(scenario, name) for name in libraries}, chosen)
        for scenario, runs in zip(chosen, results):
            verdict = judge(scenario, **runs) if "ours" in runs else []
            report(scenario, verdict, runs, options.show or options.only_reference)
            passed += not verdict
            failed += bool(verdict)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
