# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who stands in front of esmtp-token on a Unix socket: systemd's own tool for it where there is one, or a
few lines that do what inetd does."""

import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import harness
from harness import ENVIRONMENT, SECONDS

# Found by harness.
import listening  # isort: skip


def read_all(path: Path) -> bytes:
    """What somebody gets who connects and writes nothing."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS)
        client.connect(str(path))
        text = b""
        while piece := client.recv(65536):
            text += piece
    return text


class Inetd(listening.Inetd):
    """One client at a time."""

    def __init__(self, path: Path, config: Path):
        command = [harness.program, "--config", config, "--socket"]
        super().__init__(command, listening.unix(path), stderr=subprocess.PIPE, env=ENVIRONMENT)
        self.path = path
        self.one = threading.Lock()

    def serve(self, client: socket.socket, number: int) -> None:
        with self.one:
            super().serve(client, number)

    def __exit__(self, *_) -> None:
        super().__exit__()
        self.path.unlink()


class SocketActivate:
    """systemd-socket-activate, which hands over connections as systemd does for Accept=yes."""

    def __init__(self, path: Path, config: Path):
        self.path = path
        self.log = config.with_name("socket-activate.log")
        tool = ["systemd-socket-activate", "--accept", "--inetd", "--listen", path]
        self.command = [*tool, harness.program, "--config", config, "--socket"]

    @staticmethod
    def is_here() -> bool:
        return shutil.which("systemd-socket-activate") is not None

    @property
    def errors(self) -> bytes:
        return self.log.read_bytes()

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=ENVIRONMENT
            )
        deadline = time.monotonic() + SECONDS
        while not self.path.is_socket():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"systemd-socket-activate: {self.errors.decode()}")
            time.sleep(0.01)
        # As SocketMode= does.
        self.path.chmod(0o600)
        return self

    def __exit__(self, *_) -> None:
        self.process.terminate()
        self.process.wait(SECONDS)
