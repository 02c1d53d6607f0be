# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the tests with real servers are run, each from a file of its own:

tests/real/NAME.py [--build BUILD] [CLASS[.TEST]…]    BUILD holds libesmtp.so.6 (default: build)"""

import argparse
import signal
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What --build names, once `main` was called.
build = ROOT / "build"


def classes_below(world: type[unittest.TestCase]) -> list[type[unittest.TestCase]]:
    found = world.__subclasses__()
    return found + [below for one in found for below in classes_below(one)]


def main(description: str | None, world: type[unittest.TestCase] = unittest.TestCase) -> None:
    """Runs the tests of the file that was started. `world` is what its classes have in common: what
    they started is stopped also when the run is ended from outside."""
    global build
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=Path, default=build)
    arguments, others = parser.parse_known_args()
    build = arguments.build.resolve()

    def stop_servers(*_) -> None:
        """unittest does not."""
        for case in classes_below(world):
            case.doClassCleanups()
        sys.exit(1)

    signal.signal(signal.SIGTERM, stop_servers)
    unittest.main(argv=[Path(sys.argv[0]).name, "--verbose", *others])
