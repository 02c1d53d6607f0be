# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the driver with one of the two libraries against a fresh server."""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "server"))

from certificates import Certificates  # noqa: E402
from normal_form import normal_form  # noqa: E402
from scripted_smtp import ScriptedServer  # noqa: E402

SONAME = "libesmtp.so.6"


@dataclass
class Run:
    """What one run left behind, raw."""

    trace: bytes
    ending: str
    received: list  # bytes of each connection
    remarks: list  # of the server, for each connection


class Library:
    """A shared library under its SONAME in a directory of its own."""

    def __init__(self, name, path, directory):
        self.name = name
        self.path = pathlib.Path(path).resolve(strict=True)
        self.directory = pathlib.Path(directory) / name
        self.directory.mkdir()
        (self.directory / SONAME).symlink_to(self.path)

    def environment(self, extra):
        kept = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(("ASAN_", "UBSAN_", "LSAN_")) or name in ("PATH", "LD_PRELOAD")
        }
        # Nothing of the user's configuration, a fixed time zone and locale.
        fixed = {"LC_ALL": "C", "TZ": "CET-1", "HOME": str(self.directory)}
        return {**kept, **fixed, **extra, "LD_LIBRARY_PATH": str(self.directory)}

    def is_used_by(self, driver):
        output = subprocess.run(
            ["ldd", str(driver)], env=self.environment({}), capture_output=True, text=True, check=True
        ).stdout
        return f"{self.directory}/{SONAME}" in output


def ending(status):
    if status >= 0:
        return f"exit {status}"
    return f"killed by {signal.Signals(-status).name}"


def configure(directory, files, certificates):
    """The configuration directory of one run: name, certificate and mode of each file."""
    for name, certificate, mode in files:
        path = pathlib.Path(directory, "libesmtp", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = b"" if certificate == "empty" else b"no PEM\n" if certificate == "garbage" else None
        path.write_bytes(certificates.path(certificate).read_bytes() if content is None else content)
        path.chmod(mode)


def execute(driver, library, scenario, certificates):
    with tempfile.TemporaryDirectory(prefix="differential") as directory:
        script = pathlib.Path(directory, "script")
        script.write_text(scenario.driver, encoding="utf-8")
        configure(directory, scenario.files, certificates)
        needed = {"CERTIFICATES": str(certificates.directory)}
        if scenario.files:
            needed["XDG_CONFIG_DIR"] = directory
        for name in re.findall(r"^tls (?:context|client) (\S+)", scenario.driver, flags=re.M):
            certificates.path(name)
        with ScriptedServer(scenario.server, certificates) as server:
            process = subprocess.Popen(
                [str(driver), str(script), str(server.port)],
                env=library.environment({**needed, **scenario.environment}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            try:
                trace, _ = process.communicate(timeout=scenario.limit)
                end = ending(process.returncode)
            except subprocess.TimeoutExpired:
                process.kill()
                trace, _ = process.communicate()
                end = "still running when the time was up"
            server.finish()
            return Run(
                trace=trace.replace(f":{server.port}".encode(), b":$PORT"),
                ending=end,
                received=[bytes(connection.received) for connection in server.connections],
                remarks=[list(connection.remarks) for connection in server.connections],
            )


@contextlib.contextmanager
def stage(driver, at_once, **paths):
    """What runs take place on, with each library under its name. Gives a function that runs a scenario, with `ours` or
    another, and brings it into normal form; and a map that does so many things at once."""
    with tempfile.TemporaryDirectory(prefix="differential") as directory:
        libraries = {name: Library(name, path, directory) for name, path in paths.items()}
        for library in libraries.values():
            if not library.is_used_by(driver):
                sys.exit(f"{driver} does not load {library.path}")
        certificates = Certificates(pathlib.Path(directory, "certificates"))

        def run(scenario, name="ours"):
            return normal_form(execute(driver, libraries[name], scenario, certificates), scenario)

        with concurrent.futures.ThreadPoolExecutor(max_workers=max(1, min(at_once, 4))) as pool:
            yield run, pool.map
