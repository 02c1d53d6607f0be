# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs scenarios that are made by chance, each of a number, and judges them."""

import argparse
import pathlib
import time

from execution import stage
from run import system_library
from unwatched import tell


def main(about, judge, *libraries):
    """`judge` runs the scenario of a number and gives what is wrong, and the scenario's text. One that fails is
    printed, with the number to make it again: --seed N --count 1."""
    options = arguments(about)
    paths = {"ours": options.ours, "reference": options.reference or system_library()}
    end = time.monotonic() + options.seconds if options.seconds else None
    done = failed = 0
    with stage(options.driver, options.j, **{name: paths[name] for name in libraries}) as (run, each):
        while time.monotonic() < end if end else done < options.count:
            first = options.seed + done
            seeds = range(first, first + (20 if end else min(20, options.count - done)))
            for seed, (wrong, text) in zip(seeds, each(lambda seed: judge(run, seed), seeds)):
                done += 1
                if tell(seed, wrong):
                    failed += 1
                    print(text, flush=True)
    print(f"{done - failed} passed, {failed} failed")
    return 1 if failed or not done else 0


def arguments(about):
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--driver", required=True, type=pathlib.Path)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--reference", help="default: the library that the linker takes")
    parser.add_argument("--seed", type=int, default=1, help="of the first; the next one has the next number")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seconds", type=float, help="so long, however many that are")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="so many at once")
    return parser.parse_args()
