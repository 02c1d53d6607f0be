# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs gsasl_server.c, which knows SCRAM with channel binding."""

import subprocess
from pathlib import Path

from accounts import PASSWORD, USER
from servers import Server, find

SOURCE = Path(__file__).with_name("gsasl_server.c")


def build(folder: Path) -> Path:
    program = folder / "gsasl_server"
    warnings = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
    libraries = ["-lgsasl", "-lssl", "-lcrypto"]
    subprocess.run([find("cc"), *warnings, "-O1", "-o", program, SOURCE, *libraries], check=True, timeout=60)
    return program


class GnuSasl(Server):
    """Takes mail over STARTTLS from who has authenticated."""

    def __init__(self, program: Path, certificate: Path, *mechanisms: str, tls13: bool = True):
        options = [] if tls13 else ["-2"]
        self.command = [program, *options, certificate, USER, PASSWORD, " ".join(mechanisms)]

    def start(self) -> None:
        self.run([*self.command, self.folder], stdout=subprocess.PIPE, text=True)
        word, port = self.process.stdout.readline().split()
        assert word == "port"
        self.port = int(port)

    def stop(self) -> None:
        super().stop()
        if self.process is not None:
            self.process.stdout.close()

    def answers(self) -> list[str]:
        """What became of each AUTH of the next connection, after its end."""
        return list(iter(lambda: self.process.stdout.readline().rstrip(), "end"))

    def mail(self) -> bytes:
        file = self.folder / "mail"
        text = file.read_bytes()
        file.unlink()
        return text
