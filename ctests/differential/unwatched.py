#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs scenarios with our library twice, watched by an event callback and a monitor and by neither: results, statuses
and what the server gets must be the same. Nobody watches most sessions, and theirs take another way through the
replies to recipients."""

import concurrent.futures
import dataclasses
import pathlib
import re
import sys
import tempfile

from execution import Certificates, Library, execute
from normal_form import normal_form
from run import HERE, arguments, scenarios
from scenario import load

# What a driver may do without anything depending on its callbacks.
INDEPENDENT = {
    *("setup", "mail", "many", "start", "require-all", "timeout", "size", "ret", "notify", "body", "path"),
    *("reset-recipient", "reset-message", "recipient", "message", "etrn", "destroy"),
}
FILES = (
    *("pipelining", "unwatched", "replies", "refusals", "too_many_recipients", "last_words", "long_replies"),
    *("malformed_replies", "enhanced_codes", "endings", "limits", "several", "restart", "empty_lines"),
)


def is_independent(scenario):
    words = [line.split()[0] for line in scenario.driver.splitlines() if line.strip()]
    return words[:1] == ["setup"] and set(words) <= INDEPENDENT


def outcome(driver, library, scenario, certificates):
    """What the program and the server come to know."""
    lines = normal_form(execute(driver, library, scenario, certificates), scenario)
    # QUIT and what comes behind a fault need not be there in time.
    return [line for line in lines if re.match(r"start |status |wire \d+: (MAIL|RCPT|DATA|\.)", line)]


def compare(driver, library, scenario, certificates):
    unwatched = re.sub(r"^setup$", "setup\nevents off\nmonitor off", scenario.driver, count=1, flags=re.M)
    runs = [
        outcome(driver, library, variant, certificates)
        for variant in (scenario, dataclasses.replace(scenario, driver=unwatched))
    ]
    return None if runs[0] == runs[1] else runs


def main():
    options = arguments()
    names = {s.name for file in FILES for s in load(HERE / "scenarios" / f"{file}.txt")}
    chosen = [s for s in scenarios(options) if s.name in names and is_independent(s)]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="unwatched") as directory:
        library = Library("ours", options.ours, directory)
        if not library.is_used_by(options.driver):
            sys.exit(f"{options.driver} does not load {library.path}")
        certificates = Certificates(pathlib.Path(directory, "certificates"))
        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, min(options.j, 4))) as pool:
            results = pool.map(lambda scenario: compare(options.driver, library, scenario, certificates), chosen)
            for scenario, runs in zip(chosen, results):
                if runs:
                    failed += 1
                    print(f"FAIL {scenario.name}")
                    for what, lines in zip(("watched", "unwatched"), runs):
                        print("".join(f"    {what}: {line}\n" for line in lines), end="")
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
