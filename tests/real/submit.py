# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds submit.c against Debian's headers, and runs it with this library or with Debian's."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from servers import find

SOURCE = Path(__file__).with_name("submit.c")
SENDER = "sender@example.net"
RECIPIENT = "recipient@example.org"
SECONDS = 30

# With lines as they are on the wire: libESMTP 1.1.0 sends them as they are.
MAIL = f"""\
From: Sender <{SENDER}>
To: {RECIPIENT}
Subject: who may send
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-Id: <who-may-send@example.net>

.a dot in front
Grüße
the end
""".replace("\n", "\r\n").encode()

# With TLS 1.3 libESMTP 1.1.0 may wait for ever: it takes a session ticket, which comes unasked, for
# the beginning of a reply.
OLDER_TLS = """\
openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
MaxProtocol = TLSv1.2
"""


@dataclass
class Outcome:
    """What submit printed."""

    exit_code: int
    lines: list[str]

    @property
    def sent(self) -> bool:
        return self.exit_code == 0

    @property
    def alike(self) -> list[str]:
        """What both libraries say of the same session; see OLDER_TLS."""
        return [line for line in self.lines if not line.startswith("version ")]

    @property
    def tried(self) -> list[str]:
        """The mechanisms of the AUTH commands."""
        return [line.split()[1] for line in self.lines if re.match(r"AUTH [A-Z]", line)]

    @property
    def events(self) -> list[str]:
        return [line.removeprefix("event ") for line in self.lines if line.startswith("event ")]

    def __str__(self) -> str:
        return "\n".join([*self.lines, f"exit code {self.exit_code}"])


class Submit:
    """The program, and a home folder for its user."""

    def __init__(self, folder: Path, our_build: Path):
        self.our_build = our_build
        self.program = folder / "submit"
        self.home = folder / "home"
        self.settings = self.home / ".config/libesmtp"
        (self.settings / "private").mkdir(parents=True)
        self.mail = folder / "mail"
        self.mail.write_bytes(MAIL)
        self.older_tls = folder / "openssl.cnf"
        self.older_tls.write_text(OLDER_TLS)
        # The library is Debian's, as far as the linker is concerned.
        libraries = ["-lesmtp", "-lssl", "-lcrypto"]
        warnings = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
        subprocess.run(
            [find("cc"), *warnings, "-O1", "-o", self.program, SOURCE, *libraries],
            check=True,
            timeout=60,
        )

    def trust(self, ca: Path) -> None:
        """For both libraries; libESMTP 1.1.0 refuses a list that others may read."""
        file = self.settings / "ca.pem"
        file.write_bytes(ca.read_bytes())
        file.chmod(0o600)

    def use_client_certificate(self, certificate: Path | None) -> None:
        file = self.settings / "private/smtp-starttls.pem"
        file.unlink(missing_ok=True)
        if certificate is not None:
            file.write_bytes(certificate.read_bytes())
            file.chmod(0o600)

    def __call__(
        self,
        port: int,
        *options: str,
        ours: bool = True,
        host: str = "localhost",
        node: str | None = None,
    ):
        """With `node` this host is called so, and the library finds that out."""
        command = [self.program, "-f", SENDER, *options, f"{host}:{port}", self.mail, RECIPIENT]
        if node is not None:
            command.insert(1, "-n")
            # hostname(1) would refuse one that is no domain.
            rename = 'printf %s "$0" >/proc/sys/kernel/hostname && exec "$@"'
            command = [find("unshare"), "--uts", "sh", "-c", rename, node, *command]
        done = subprocess.run(
            command,
            env=self.environment(ours),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
        )
        return Outcome(done.returncode, done.stdout.decode(errors="replace").splitlines())

    def environment(self, ours: bool) -> dict[str, str]:
        # libESMTP 1.1.0 reads XDG_CONFIG_DIR, its documentation has XDG_CONFIG_HOME.
        folder = str(self.home / ".config")
        environment = {"HOME": str(self.home), "PATH": os.environ["PATH"]}
        if ours:
            environment |= {"XDG_CONFIG_HOME": folder, "LD_LIBRARY_PATH": str(self.our_build)}
        else:
            environment |= {"XDG_CONFIG_DIR": folder, "OPENSSL_CONF": str(self.older_tls)}
        return environment


def delivered_as_sent(mail: bytes) -> bool:
    """Under the headers of the server it is what was sent, with the line ends of a mailbox."""
    start = mail.index(b"\nFrom: ") + 1
    return mail[start:] == MAIL.replace(b"\r\n", b"\n")


def authenticated_as(mail: bytes) -> str | None:
    """The identity that the server wrote into its Received header."""
    found = re.search(rb"Authenticated sender: ([^)@]*)", mail)
    return found.group(1).decode() if found else None
