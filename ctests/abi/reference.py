# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of the ABI share: the distribution's own package, compilers, and verdicts."""

import os
import re
import subprocess
import sys

SKIPPED = 77


def output_of(*command):
    """The standard output of a command that must succeed."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout


def skip(why):
    """Ends the test as one that could not run here."""
    print("skipped:", why)
    sys.exit(SKIPPED)


def library():
    """The distribution's libesmtp.so.6, wherever its architecture keeps it; skips without it."""
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/sbin:/usr/sbin"}
    try:
        cache = subprocess.run(
            ["ldconfig", "-p"], stdout=subprocess.PIPE, text=True, check=True, env=environment, timeout=60
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        skip("no ldconfig")
    found = re.search(r"^\s*libesmtp\.so\.6 .*=> (\S+)$", cache, re.MULTILINE)
    if not found:
        skip("the distribution's libesmtp6 is not installed")
    return found.group(1)


def exports(path):
    """The names that a shared library exports, with their kinds and versions as nm shows them."""
    lines = output_of("nm", "-D", "--defined-only", "-P", path).splitlines()
    return {name: kind for name, kind, *_ in (line.split() for line in lines)}


class Verdict:
    """Counts checks and says which failed."""

    def __init__(self, topic):
        self.topic, self.count, self.failures = topic, 0, 0

    def check(self, good, what):
        """One check; `what` says what is wrong if it fails."""
        self.count += 1
        if not good:
            self.failures += 1
            print("wrong:", what)
        return good

    def end(self):
        """The closing line and the exit status."""
        if self.failures:
            print(f"{self.topic}: {self.failures} of {self.count} checks failed")
        else:
            print(f"{self.topic}: {self.count} checks passed")
        sys.exit(1 if self.failures else 0)
