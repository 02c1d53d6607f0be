# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same source, compiled with the distribution's headers and with ours, prints the same.

usage: facts.py SOURCE INCLUDE COMPILER...
"""

import difflib
import os
import subprocess
import sys
import tempfile

import reference


def facts(verdict, whose, source, where, compiler):
    """What the program prints; its exit status judges the constants."""
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "facts")
        reference.output_of(*compiler, *where, source, "-o", program)
        result = subprocess.run([program], stdout=subprocess.PIPE, text=True, timeout=30)
    verdict.check(result.returncode == 0, f"a constant of {whose} headers")
    return result.stdout.splitlines()


def main():
    source, include, *compiler = sys.argv[1:]
    verdict = reference.Verdict("facts")
    ours = facts(verdict, "our", source, ["-I" + include], compiler)
    if verdict.failures == 0:
        reference.library()
    theirs = facts(verdict, "the distribution's", source, [], compiler)
    difference = list(difflib.unified_diff(theirs, ours, "theirs", "ours", lineterm=""))
    verdict.check(not difference, "\n".join(["the facts", *difference]))
    verdict.end()


main()
