#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A BINARYMIME body goes by BDAT to Dovecot's submission server, which offers it if its relay does:
octet for octet, and not before a recipient was taken.

    tests/real/binary_mime.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import os
import re
import sys
import tempfile
import unittest
from pathlib import Path

import harness
from accounts import PASSWORD, USER
from submission import DovecotSubmission
from submit import RECIPIENT, SENDER, Submit
from tap import Tap

root = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "ctests/server"))

from scripted_smtp import ScriptedServer  # noqa: E402

# As in enum e8bitmime_body.
BINARY = 3

HEADER = f"""\
From: Sender <{SENDER}>
To: {RECIPIENT}
Subject: any octets
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-Id: <any-octets@example.net>
MIME-Version: 1.0
Content-Type: application/octet-stream
Content-Transfer-Encoding: binary

""".replace("\n", "\r\n").encode()
COMMANDS = b"RSET\r\nMAIL FROM:<forged@example.net>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nforged\r\n.\r\n"
BODIES = {
    "commands": COMMANDS,
    "each octet": bytes(range(256)) * 3,
    "odd line ends": b"\n.\n\r.\r\r\n.\r\n..\r\n\n\r",
    "empty": b"",
    "no line end": b"BDAT 3 LAST",
    # More than one chunk.
    "1 MB": b"".join(b"%07d\r\n.\r\n\0" % number for number in range(80_000)),
}


def texts(received: bytes) -> list[bytes]:
    """What came in chunks, a text for each message."""
    done, text = [], b""
    position = 0
    while match := re.compile(rb"(.*)\r\n").match(received, position):
        position = match.end()
        if chunk := re.fullmatch(rb"BDAT (\d+)( LAST)?", match[1]):
            text += received[position : position + int(chunk[1])]
            position += int(chunk[1])
            if chunk[2]:
                done.append(text)
                text = b""
    return done


class BinaryMime(unittest.TestCase):
    def setUp(self) -> None:
        reason = DovecotSubmission.refuse() if os.geteuid() == 0 else "Dovecot runs as root only"
        if reason:
            self.skipTest(reason)
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="binary-")))
        self.submit = Submit(self.folder, harness.build)

    def through(self, script: str = "") -> Tap:
        """The way to Dovecot, whose relay follows the script."""
        one = f"offer CHUNKING; BINARYMIME; 8BITMIME; PIPELINING\n{script}\n"
        # Dovecot has a connection of its own for each of its client's.
        self.relay = self.enterContext(ScriptedServer("connection\n".join([one] * len(BODIES))))
        capabilities = "BINARYMIME 8BITMIME CHUNKING"
        server = DovecotSubmission(self.relay.port, {USER: PASSWORD}, capabilities)
        self.server = self.enterContext(server)
        return self.enterContext(Tap(self.server.port))

    def send(self, tap: Tap, text: bytes, *options: str):
        self.submit.mail.write_bytes(text)
        return self.submit(tap.port, "-b", str(BINARY), *options)

    def test_each_body(self) -> None:
        tap = self.through()
        for number, (name, body) in enumerate(BODIES.items()):
            with self.subTest(name):
                tap.said.clear()
                outcome = self.send(tap, HEADER + body, "-u", USER, "-p", PASSWORD, "-P")
                self.assertTrue(outcome.sent, f"{outcome}\n{self.server.log()[-3000:]}")
                self.assertIn(b" BODY=BINARYMIME\r\n", tap.said)
                self.assertNotIn(b"\r\nDATA\r\nFrom: ", tap.said)
                self.assertEqual(texts(bytes(tap.said)), [HEADER + body])
                relayed = texts(bytes(self.relay.connections[number].received))
                self.assertEqual(len(relayed), 1, self.relay.connections[number].received[:2000])
                # Under Dovecot's Received header, and it makes CRLF of each LF.
                sent = re.sub(rb"\r?\n", b"\r\n", HEADER + body)
                self.assertTrue(relayed[0].endswith(sent), relayed[0][:1000])

    def test_before_one_has_authenticated(self) -> None:
        tap = self.through()
        outcome = self.send(tap, HEADER + COMMANDS)
        self.assertIn("reverse path 530 5.7.0", outcome.lines, outcome)
        for word in (b"BDAT", b"DATA", b"any octets", b"forged"):
            self.assertNotIn(word, tap.said)

    def test_no_recipient_is_taken(self) -> None:
        tap = self.through("RCPT -> 550 nobody")
        outcome = self.send(tap, HEADER + COMMANDS, "-u", USER, "-p", PASSWORD, "-P")
        self.assertIn(f"recipient {RECIPIENT} complete: 1, status 550 5.0.0", outcome.lines, outcome)
        for word in (b"BDAT", b"DATA", b"any octets", b"forged"):
            self.assertNotIn(word, tap.said)


if __name__ == "__main__":
    harness.main(__doc__)
