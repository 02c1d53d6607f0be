# SPDX-License-Identifier: LGPL-2.1-or-later
"""libabigail's opinion: of the two shared libraries, and of the two sets of headers.

The distribution's library has no debug information, so for types the headers are compared: a
source that refers to all they declare is compiled with each, and its debug information tells.

usage: abidiff.py ABIDIFF LIBRARY SOURCE INCLUDE COMPILER...
"""

import os
import re
import subprocess
import sys
import tempfile

import reference

# Bits of abidiff's exit status.
USAGE, CHANGE, INCOMPATIBLE = 1 | 2, 4, 8


def run(*command):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return result.returncode, result.stdout


def libraries(verdict, abidiff, library):
    status, report = run(abidiff, "--no-default-suppression", reference.library(), library)
    # An added symbol is shown by its name, or by its type and then its name in braces.
    added = re.findall(r"\[A\] .*?(\w+)\W*$", report, re.MULTILINE)
    good = not status & (USAGE | INCOMPATIBLE) and added == ["smtp_starttls_get_ctx"]
    good = good and not re.search(r"\[[DC]\]", report)
    if not verdict.check(good, f"abidiff of the libraries ends with {status}"):
        print(report)


def headers(verdict, abidiff, source, include, compiler):
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for name, where in (("theirs", []), ("ours", ["-I" + include])):
            objects.append(os.path.join(folder, name + ".so"))
            reference.output_of(*compiler, *where, "-g", "-fPIC", "-shared", source, "-o", objects[-1])
        status, report = run(abidiff, "--no-default-suppression", "--harmless", *objects)
    if not verdict.check(status == 0, f"abidiff of the headers ends with {status}"):
        print(report)


def main():
    abidiff, library, source, include, *compiler = sys.argv[1:]
    reference.library()
    verdict = reference.Verdict("abidiff")
    libraries(verdict, abidiff, library)
    headers(verdict, abidiff, source, include, compiler)
    verdict.end()


main()
