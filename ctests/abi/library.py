# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file of the shared library: its name, its exports, and what the dynamic linker makes of it.

usage: library.py LIBRARY EXPORTS
"""

import os
import re
import sys

import reference

# The C library with its parts, and the process's OpenSSL.
MAY_NEED = re.compile(r"(libc|libgcc_s|libssl|libcrypto|ld-linux[^.]*)\.so\.\d+$")
MUST_NEED = {"libc.so.6", "libssl.so.3", "libcrypto.so.3"}
# Only in the upstream's current header, not in the 1.1.0 that distributions ship.
NEWER = {"smtp_starttls_get_ctx"}


def names(verdict, library):
    folder = os.path.dirname(os.path.abspath(library))
    for link, target in (("libesmtp.so", "libesmtp.so.6"), ("libesmtp.so.6", "libesmtp.so.6.2.0")):
        path = os.path.join(folder, link)
        if verdict.check(os.path.islink(path), f"{link} is no link"):
            verdict.check(os.readlink(path) == target, f"{link} leads to {os.readlink(path)}")
    real = os.path.basename(os.path.realpath(library))
    verdict.check(real == "libesmtp.so.6.2.0", f"the file is named {real}")


def symbols(verdict, library, list_file):
    with open(list_file, encoding="ascii") as lines:
        wanted = set(lines.read().split())
    found = reference.exports(library)
    for name in sorted(wanted - found.keys()):
        verdict.check(False, f"{name} is not exported")
    for name in sorted(found.keys() - wanted):
        verdict.check(False, f"{name} is exported")
    for name in sorted(wanted & found.keys()):
        verdict.check(found[name] == "T", f"{name} is no function ({found[name]})")


def dynamic_section(verdict, library):
    section = reference.output_of("readelf", "-dW", library)
    soname = re.findall(r"\(SONAME\).*\[(.*)\]", section)
    verdict.check(soname == ["libesmtp.so.6"], f"SONAME {soname}")
    needed = set(re.findall(r"\(NEEDED\).*\[(.*)\]", section))
    for name in sorted(needed):
        verdict.check(MAY_NEED.match(name), f"needs {name}")
    verdict.check(MUST_NEED <= needed, f"does not need {sorted(MUST_NEED - needed)}")
    # NODELETE would pin it, STATIC_TLS makes dlopen fail at times, the others are unsafe.
    for word in ("NODELETE", "STATIC_TLS", "TEXTREL", "RPATH", "RUNPATH"):
        verdict.check(word not in section, f"has {word}")
    # To bind later would save registers on the stack, with what was copied through them.
    verdict.check(re.search(r"\(FLAGS\).*BIND_NOW|\(FLAGS_1\).*NOW", section), "is not bound at once")
    segments = reference.output_of("readelf", "-lW", library)
    stack = re.search(r"GNU_STACK.*", segments)
    verdict.check(stack and " RWE " not in stack.group(0), "asks for an executable stack")


def like_the_distribution(verdict, list_file):
    with open(list_file, encoding="ascii") as lines:
        wanted = set(lines.read().split())
    theirs = set(reference.exports(reference.library()))
    verdict.check(
        wanted == theirs | NEWER,
        f"{list_file} and the distribution's library differ in {sorted(wanted ^ (theirs | NEWER))}",
    )


def main():
    library, list_file = sys.argv[1:]
    verdict = reference.Verdict("library")
    names(verdict, library)
    symbols(verdict, library, list_file)
    dynamic_section(verdict, library)
    if verdict.failures == 0:
        like_the_distribution(verdict, list_file)
    verdict.end()


main()
