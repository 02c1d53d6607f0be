#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs scenarios with our library twice, watched by an event callback and a monitor and by neither: results, statuses
and what the server gets must be the same. Nobody watches most sessions, and theirs take another way through the
replies to recipients."""

import dataclasses
import re
import sys

from execution import stage
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


def both_ways(run, scenario, telling):
    """The lines of both runs that tell what `telling` asks for."""
    unwatched = re.sub(r"^setup$", "setup\nevents off\nmonitor off", scenario.driver, count=1, flags=re.M)
    variants = {"watched": scenario, "unwatched": dataclasses.replace(scenario, driver=unwatched)}
    return {way: [line for line in run(variant) if re.match(telling, line)] for way, variant in variants.items()}


def differences(runs):
    if runs["watched"] == runs["unwatched"]:
        return []
    return [f"{way}: {line}" for way, lines in runs.items() for line in lines]


def compare(run, scenario):
    # QUIT and what comes behind a fault need not be there in time.
    return differences(both_ways(run, scenario, r"start |status |wire \d+: (MAIL|RCPT|DATA|\.)"))


def tell(name, wrong):
    """Whether anything is wrong."""
    if wrong:
        print(f"FAIL {name}", *(f"    {line}" for line in wrong), sep="\n", flush=True)
    return bool(wrong)


def main():
    options = arguments()
    names = {s.name for file in FILES for s in load(HERE / "scenarios" / f"{file}.txt")}
    chosen = [s for s in scenarios(options) if s.name in names and is_independent(s)]
    with stage(options.driver, options.j, ours=options.ours) as (run, each):
        results = each(lambda scenario: compare(run, scenario), chosen)
        failed = sum(tell(scenario.name, wrong) for scenario, wrong in zip(chosen, results))
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
