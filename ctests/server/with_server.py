#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program beside a scripted SMTP server and ends with its exit status.

    with_server.py [--record DIR] SCRIPT PROGRAM [ARGUMENT...]

`{port}` in an argument becomes the server's port. With --record the bytes of
each connection are written to DIR/1, DIR/2, ...
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True

from certificates import Certificates  # noqa: E402
from scripted_smtp import ScriptedServer  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=pathlib.Path)
    parser.add_argument("script", type=pathlib.Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()

    script = options.script.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as directory, ScriptedServer(script, Certificates(directory)) as server:
        command = [word.replace("{port}", str(server.port)) for word in options.command]
        status = subprocess.run(command, check=False).returncode
        server.finish()
    if options.record:
        options.record.mkdir(parents=True, exist_ok=True)
        for number, connection in enumerate(server.connections, start=1):
            (options.record / str(number)).write_bytes(connection.received)
    return status


if __name__ == "__main__":
    sys.exit(main())
