#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""nothing-left.py COMMAND...: runs a command, and fails if it leaves processes behind. They are named and ended."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
# What was told to stop may take a moment on a busy machine.
PATIENCE_SECONDS = 10


def main() -> int:
    # Whoever loses its parent becomes our child, also a daemon that has left its group and session.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    status = subprocess.call(sys.argv[1:])
    end = time.monotonic() + PATIENCE_SECONDS
    while (left := children()) and time.monotonic() < end:
        time.sleep(0.05)
    for process, words in left:
        print(f"left behind: {words} ({process})", flush=True)
    while left := children():
        for process, _ in left:
            os.kill(process, signal.SIGKILL)
        time.sleep(0.05)
        status = status or 1
    # As a shell would say it.
    return status if status >= 0 else 128 - status


def children() -> list[tuple[int, str]]:
    """Those that still run, with their command lines."""
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                break
        except ChildProcessError:
            return []
    folders = [stat.parent for stat in Path("/proc").glob("[0-9]*/stat") if is_ours(stat)]
    return [(int(folder.name), command(folder)) for folder in folders]


def is_ours(stat: Path) -> bool:
    try:
        # Behind the name, which may have blanks and brackets: state, parent.
        return int(stat.read_text().rpartition(")")[2].split()[1]) == os.getpid()
    except (OSError, IndexError):
        return False


def command(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return "?"


if __name__ == "__main__":
    sys.exit(main())
