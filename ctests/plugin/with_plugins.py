#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program with a copy of the library that looks for plug-ins in a folder of the test's.

    with_plugins.py LIBRARY FOLDER PLUGIN... -- PROGRAM [ARGUMENT...]

FOLDER is the one compiled into the library, for safety's sake without a way to change it. In the copy it is replaced by
a path of the same length.
"""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

SKIPPED = 77
SONAME = "libesmtp.so.6"


def moved(library, folder, elsewhere):
    """The library's bytes with another folder, None if the path has no room for it."""
    spare = len(folder) - len(elsewhere)
    if spare < 0:
        return None
    # Slashes in a row count as one.
    replacement = elsewhere.replace("/", "/" * (spare + 1), 1)
    content = library.read_bytes()
    if folder.encode() not in content:
        sys.exit(f"{library} does not contain {folder}")
    return content.replace(folder.encode(), replacement.encode())


def main():
    library, folder, *rest = sys.argv[1:]
    end = rest.index("--")
    with tempfile.TemporaryDirectory(prefix="sasl") as directory:
        content = moved(pathlib.Path(library), folder, directory)
        if content is None:
            print(f"no room in {folder} for {directory}")
            return SKIPPED
        copy = pathlib.Path(directory, SONAME)
        copy.write_bytes(content)
        for plugin in rest[:end]:
            pathlib.Path(directory, pathlib.Path(plugin).name).symlink_to(pathlib.Path(plugin).resolve())
        # As Meson runs programs for another processor; QEMU has LD_PRELOAD for the program as well.
        wrapper = shlex.split(os.environ.get("MESON_EXE_WRAPPER", ""))
        return subprocess.run(
            [*wrapper, *rest[end + 1 :]], env={**os.environ, "LD_PRELOAD": str(copy)}, check=False
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
