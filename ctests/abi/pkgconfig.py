# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pkg-config file, as text and as pkg-config reads it.

usage: pkgconfig.py FOLDER PKG-CONFIG
"""

import os
import subprocess
import sys

import reference

MODULE = "libesmtp-1.0"


def fields_of(path):
    fields = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            name, colon, value = line.partition(": ")
            if colon:
                fields[name] = value.strip()
    return fields


def text(verdict, folder):
    fields = fields_of(os.path.join(folder, MODULE + ".pc"))
    for name, value in (("Name", "esmtp"), ("Version", "1.1.0")):
        verdict.check(fields.get(name) == value, f"{name} is {fields.get(name)}")
    verdict.check(fields.get("Description"), "no Description")
    libs = fields.get("Libs", "").split()
    verdict.check("-lesmtp" in libs, f"Libs is {libs}")
    # A program that links to the shared library must not be linked to ours as well.
    verdict.check("-lssl" not in libs and "-lcrypto" not in libs, f"Libs is {libs}")
    verdict.check("Requires" not in fields, f"Requires is {fields.get('Requires')}")
    private = fields.get("Requires.private", "") + " " + fields.get("Libs.private", "")
    verdict.check("ssl" in private, f"nothing of OpenSSL for a static link: {private}")


def as_read(verdict, folder, pkg_config):
    environment = {**os.environ, "PKG_CONFIG_PATH": folder}

    def ask(*arguments):
        return subprocess.run(
            [pkg_config, *arguments, MODULE], env=environment, text=True, stdout=subprocess.PIPE, check=True, timeout=30
        ).stdout.split()

    verdict.check(ask("--modversion") == ["1.1.0"], "another version")
    # Where the library is depends on the prefix; what is linked does not.
    libs = [word for word in ask("--libs") if not word.startswith("-L")]
    verdict.check(libs == ["-lesmtp"], f"--libs is {libs}")
    static = ask("--libs", "--static")
    for word in ("-lesmtp", "-lssl", "-lcrypto"):
        verdict.check(word in static, f"--libs --static lacks {word}: {static}")


def main():
    folder, pkg_config = sys.argv[1:]
    verdict = reference.Verdict("pkgconfig")
    text(verdict, folder)
    if os.path.exists(pkg_config):
        as_read(verdict, folder, pkg_config)
    verdict.end()


main()
