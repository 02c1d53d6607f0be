#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's own esmtp program, as it is, delivers a mail of 5 MB to Postfix with this library and
with the one that it came with. What arrives is what was sent.

    tests/real/esmtp_postfix.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import os
import random
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import harness
from servers import Postfix, Server, SmtpSink, find

SENDER = "sender@example.net"
RECIPIENT = "recipient@example.org"
MAIL_SIZE = 5_000_000
# More than a pipe holds: when so much was written, esmtp has started to read.
FIRST_PART = 1_000_000
ESMTP_SECONDS = 60

HEADER = f"""\
From: Sender <{SENDER}>
To: {RECIPIENT}
Subject: five megabytes
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-Id: <five-megabytes@example.net>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

"""


def long_mail() -> bytes:
    """A mail with all that is easy to get wrong on the way; the same one each time."""
    dice = random.Random(5321)
    kinds = [
        lambda: b"",
        lambda: b".",
        lambda: b"..",
        lambda: b"." + b"dots in front" * dice.randrange(4),
        lambda: b"From the start of a line",
        lambda: "Grüße, Привет, 你好".encode() * dice.randrange(1, 8),
        # No character set has a meaning for this, and none is needed.
        lambda: bytes(dice.randrange(128, 256) for _ in range(dice.randrange(1, 70))),
        lambda: b"spaces at the end  \t ",
        lambda: b"plain text " * dice.randrange(1, 7),
        lambda: b"x" * dice.randrange(900, 998),
        lambda: b"." * dice.randrange(900, 997),
    ]
    parts = [HEADER.encode()]
    size = 0
    while size < MAIL_SIZE:
        line = dice.choice(kinds)() + dice.choice([b"\n", b"\r\n"])
        parts.append(line)
        size += len(line)
    parts.append(b"the end\n")
    return b"".join(parts)


def with_unix_lines(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def without_trace(mail: bytes) -> bytes:
    """The mail without what the server put above the sender's own header."""
    start = mail.index(b"\nFrom: ") + 1
    return mail[start:]


def first_difference(left: bytes, right: bytes) -> str:
    pairs = zip(left.split(b"\n"), right.split(b"\n"))
    for number, (one, other) in enumerate(pairs, start=1):
        if one != other:
            return f"line {number}: {one[:200]!r} and {other[:200]!r}"
    return f"{len(left)} and {len(right)} bytes"


def send(server: Server, mail: bytes, library: Path | None) -> list[Path]:
    """Pipes the mail through esmtp; with the library in that folder, or else with the system's.
    Returns the libesmtp that was in the program's memory while it waited for text."""
    with tempfile.TemporaryDirectory(prefix="esmtp-home-") as home:
        settings = Path(home) / "esmtprc"
        settings.write_text(f"hostname = 127.0.0.1:{server.port}\nhelo = client.example\n")
        environment = {"HOME": home, "PATH": os.environ["PATH"]}
        if library is not None:
            environment["LD_LIBRARY_PATH"] = str(library)
        esmtp = subprocess.Popen(
            [find("esmtp"), "-C", settings, "-f", SENDER, "-B", "8BITMIME", RECIPIENT],
            env=environment,
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        watchdog = threading.Timer(ESMTP_SECONDS, esmtp.kill)
        watchdog.start()
        try:
            loaded = feed(esmtp, mail)
            complaint = esmtp.stderr.read().decode(errors="replace")
            status = esmtp.wait()
        finally:
            watchdog.cancel()
            esmtp.kill()
            esmtp.wait()
            esmtp.stderr.close()
        if status != 0:
            raise RuntimeError(f"esmtp ended with {status}: {complaint}")
        return loaded


def feed(esmtp: subprocess.Popen, mail: bytes) -> list[Path]:
    loaded = []
    try:
        with esmtp.stdin as pipe:
            pipe.write(mail[:FIRST_PART])
            pipe.flush()
            loaded = loaded_libraries(esmtp.pid)
            pipe.write(mail[FIRST_PART:])
    except BrokenPipeError:
        # It says why on standard error.
        pass
    return loaded


def loaded_libraries(process_id: int) -> list[Path]:
    maps = Path(f"/proc/{process_id}/maps").read_text()
    files = {line.split(maxsplit=5)[-1] for line in maps.splitlines() if "libesmtp.so" in line}
    return [Path(file) for file in sorted(files)]


class EsmtpToPostfix(unittest.TestCase):
    def check(self, ours: Server, reference: Server) -> None:
        """One server each, or the same one twice."""
        mail = long_mail()
        sent = with_unix_lines(mail)

        loaded = send(ours, mail, harness.build)
        self.assertEqual(loaded, [(harness.build / "libesmtp.so.6").resolve()])
        delivered = without_trace(ours.mail())
        self.assertTrue(delivered == sent, f"delivered / sent: {first_difference(delivered, sent)}")

        loaded = send(reference, mail, None)
        self.assertEqual(len(loaded), 1)
        self.assertNotIn(harness.build, loaded[0].parents)
        expected = without_trace(reference.mail())
        self.assertTrue(
            delivered == expected,
            f"delivered / with the reference: {first_difference(delivered, expected)}",
        )

    def test_smtp_sink(self) -> None:
        """It has no CHUNKING."""
        with SmtpSink() as ours, SmtpSink() as reference:
            self.check(ours, reference)

    @unittest.skipIf(os.geteuid() != 0, "Postfix runs as root only")
    def test_postfix(self) -> None:
        """It offers CHUNKING."""
        with Postfix() as server:
            self.check(server, server)


if __name__ == "__main__":
    harness.main(__doc__)
