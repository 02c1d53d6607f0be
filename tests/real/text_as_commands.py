#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mail full of SMTP commands goes to servers that take it only from who has shown who he is, or only
over TLS: Dovecot's submission server and Postfix. Until then neither hears anything of the text, nor
does who listens in. A client that sends its text ahead shows that this would be seen.

    tests/real/text_as_commands.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import base64
import os
import re
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from accounts import PASSWORD, USER
from certificates import Certificates
from servers import Postfix, find, take, wait_for
from several import Letter, Several
from submission import DovecotSubmission
from submit import RECIPIENT, SENDER, Submit
from tap import Tap

# Who writes a mail to others has an account, too: its AUTH succeeds where it is taken for one.
FORGER, FORGERS_PASSWORD = "mallory", "the forger's own"
FORGERY = base64.b64encode(f"\0{FORGER}\0{FORGERS_PASSWORD}".encode()).decode()
FORGED_SENDER, VICTIM = "forged@example.net", "victim@example.org"

HEADER = f"""\
From: Sender <{SENDER}>
To: {RECIPIENT}
Subject: a text full of commands
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-Id: <full-of-commands@example.net>

"""
COMMANDS = f"""\
RSET
AUTH PLAIN {FORGERY}
NOOP forged
MAIL FROM:<{FORGED_SENDER}>
RCPT TO:<{VICTIM}>
DATA
From: <{FORGED_SENDER}>
Subject: forged

forged
.
VRFY {VICTIM}
"""
ENDING = "QUIT\n"
# What nobody says or logs but for the text.
MARKS = ("forged", FORGERY, VICTIM, "full of commands")

TEXTS = {
    "short": HEADER + COMMANDS + ENDING,
    # Each window and chunk of it begins somewhere else in the commands.
    "long": HEADER + "".join(f"{COMMANDS}{n:05}\n" for n in range(1500)) + ENDING,
}
ESMTP_SECONDS = 60


def on_the_wire(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode()


def send_ahead(port: int, text: str) -> None:
    """The text leaves with its envelope, in a chunk."""
    octets = on_the_wire(text)
    envelope = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{RECIPIENT}>\r\nBDAT {len(octets)} LAST\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        replies = connection.makefile("rb")
        replies.readline()
        connection.sendall(b"EHLO client.example\r\n")
        while (line := replies.readline()) and not line.startswith(b"250 "):
            pass
        connection.sendall(envelope.encode() + octets)
        connection.shutdown(socket.SHUT_WR)
        while replies.readline():
            pass


class World(unittest.TestCase):
    """One server for all tests of a class, and what was heard on the way to it."""

    @classmethod
    def setUpClass(cls) -> None:
        # Raised here it would not count as a test that was skipped.
        cls.missing = cls.refuse()
        if cls.missing is not None:
            return
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="text-")))
        # Servers that gave up root read certificates here.
        cls.folder.chmod(0o755)
        cls.submit = Submit(cls.folder, harness.build)
        cls.begin()

    @classmethod
    def refuse(cls) -> str | None:
        return None if os.geteuid() == 0 else "the servers run as root only"

    def setUp(self) -> None:
        if self.missing is not None:
            self.skipTest(self.missing)
        self.sessions = 0
        self.tap = self.enterContext(Tap(self.server.port))
        self.log_before = len(self.server.log())
        self.postfix_log_before = len(self.postfix.log())

    def new_log(self) -> str:
        """Complete: logs are written by processes of their own, when they come to it."""
        try:
            wait_for("the session's end is logged", self.is_over, 30)
        except TimeoutError as error:
            logs = f"{self.server.log()[self.log_before :]}\n{self.new_postfix_log()}"
            raise TimeoutError(f"{error}\n{logs[-20_000:]}") from None
        return self.server.log()[self.log_before :]

    def new_postfix_log(self) -> str:
        return self.postfix.log()[self.postfix_log_before :]

    def postfix_is_done(self, sessions: int) -> bool:
        log = self.new_postfix_log()
        return sessions == log.count(": connect from ") == log.count(": disconnect from ")

    def offer(self, text: str, *options: str, ours: bool = True):
        self.sessions += 1
        self.submit.mail.write_bytes(on_the_wire(text))
        return self.submit(self.tap.port, *options, ours=ours)

    def send_ahead(self, text: str) -> None:
        """What the library must not do."""
        self.sessions += 1
        send_ahead(self.tap.port, text)

    def esmtp(self, text: str, *settings: str) -> subprocess.CompletedProcess:
        """Debian's own program, as it is, with our library."""
        self.sessions += 1
        file = self.submit.home / "esmtprc"
        lines = [f"hostname = localhost:{self.tap.port}", "helo = client.example", *settings]
        file.write_text("".join(f"{line}\n" for line in lines))
        file.chmod(0o600)
        return subprocess.run(
            [find("esmtp"), "-C", file, "-f", SENDER, "-oi", RECIPIENT],
            env=self.submit.environment(ours=True),
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ESMTP_SECONDS,
        )

    def heard(self) -> dict[str, list[str]]:
        """Where which marks of a text were heard: on the wire, in a log, in a mailbox."""
        mails = [mail.read_text(errors="replace") for mail in self.postfix.inbox.glob("new/*")]
        places = {
            "wire": self.tap.said.decode(errors="replace"),
            "log": self.new_log(),
            "Postfix": self.new_postfix_log(),
            "mails": "".join(mails),
        }
        found = {place: [mark for mark in MARKS if mark in text] for place, text in places.items()}
        return {place: marks for place, marks in found.items() if marks}

    def assert_refused_unheard(self) -> None:
        self.assertEqual(self.heard(), {}, self.new_log()[-4000:])
        self.assertLessEqual(self.words(), {"EHLO", "MAIL", "RCPT", "DATA", "RSET", "QUIT"})
        self.assertIn("MAIL", self.words())

    def words(self) -> set[str]:
        """The first words of what the server took for commands."""
        return {(command.split() or [""])[0].upper() for command in self.commands()}

    def commands(self) -> list[str]:
        return re.findall(self.command, self.new_log())

    def assert_delivered(self, text: str) -> None:
        """The text, to its recipient alone."""
        mail = wait_for("delivered", lambda: take(self.postfix.inbox), 30)
        self.assertIn(f"\nDelivered-To: {RECIPIENT}\n".encode(), mail)
        self.assertNotIn(f"Delivered-To: {VICTIM}\n".encode(), mail)
        self.assertEqual(mail[mail.index(b"\nFrom: Sender") + 1 :].decode(), text)


# As Dovecot 2.3 writes it, and 2.4.
LOGIN = "(?:Login|Logged in): user=<"


class WithDovecot(World):
    """Its relay is Postfix."""

    command = r"Received new command: (.*)"

    @classmethod
    def refuse(cls) -> str | None:
        return super().refuse() or DovecotSubmission.refuse()

    @classmethod
    def begin(cls) -> None:
        cls.postfix = cls.enterClassContext(Postfix())
        accounts = {USER: PASSWORD, FORGER: FORGERS_PASSWORD}
        cls.server = cls.enterClassContext(DovecotSubmission(cls.postfix.port, accounts))

    def is_over(self) -> bool:
        log = self.server.log()[self.log_before :]
        # The process behind the login may tell of the connection, too.
        begun, ended = (
            len(re.findall(f"submission-login: .*: Connection {what}", log)) for what in ("created", "destroy")
        )
        users = len(re.findall(LOGIN, log))
        left = len(re.findall(r"submission\(.*Info: Disconnected: ", log))
        return self.sessions == begun == ended and users == left and self.postfix_is_done(users)

    def assert_not_logged_in(self) -> None:
        self.assertNotIn("invalid command", self.new_log())
        self.assertNotRegex(self.new_log(), LOGIN)

    def test_before_one_has_authenticated(self) -> None:
        for name, text in TEXTS.items():
            with self.subTest(name):
                outcome = self.offer(text)
                self.assertIn("reverse path 530 5.7.0", outcome.lines, outcome)
                self.assertEqual(outcome.exit_code, 1, outcome)
                self.assert_refused_unheard()
                self.assert_not_logged_in()

    def test_esmtp(self) -> None:
        for name, text in TEXTS.items():
            with self.subTest(name):
                done = self.esmtp(text)
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assert_refused_unheard()
                self.assert_not_logged_in()

    def test_several_mails(self) -> None:
        """None of them goes before one has authenticated."""
        letters = []
        for number, text in enumerate([TEXTS["short"], TEXTS["long"], TEXTS["short"]]):
            file = self.folder / f"letter-{number}"
            file.write_bytes(on_the_wire(text))
            letters.append(Letter(f"m{number}", "refused", SENDER, [RECIPIENT], file))
        self.sessions += 1
        outcome = Several(self.folder, harness.build)(self.tap.port, letters)
        self.assertEqual(set(outcome.codes.values()), {530}, outcome)
        self.assert_refused_unheard()
        self.assert_not_logged_in()

    def test_with_a_wrong_password(self) -> None:
        outcome = self.offer(TEXTS["short"], "-u", USER, "-p", "wrong", "-P")
        self.assertEqual(outcome.exit_code, 1, outcome)
        self.assertEqual(self.heard(), {})
        self.assert_not_logged_in()

    def test_no_recipient_is_taken(self) -> None:
        self.postfix.configure(smtpd_recipient_restrictions="reject")
        self.addCleanup(self.postfix.configure, smtpd_recipient_restrictions="permit")
        refused = f"recipient {RECIPIENT} complete: 1, status 554 5.7.1"
        for name, text in TEXTS.items():
            with self.subTest(name):
                outcome = self.offer(text, "-u", USER, "-p", PASSWORD, "-P")
                self.assertEqual(outcome.exit_code, 1, outcome)
                self.assertIn(refused, outcome.lines)
                self.assertEqual(self.heard(), {})
        # libESMTP 1.1.0 waits for the reply to MAIL, but not for those to RCPT.
        outcome = self.offer(TEXTS["short"], "-u", USER, "-p", PASSWORD, "-P", ours=False)
        self.assertIn(refused, outcome.lines)
        self.assertIn("forged", self.heard()["wire"])

    def test_taken(self) -> None:
        for name, text in TEXTS.items():
            with self.subTest(name):
                outcome = self.offer(text, "-u", USER, "-p", PASSWORD, "-P")
                self.assertTrue(outcome.sent, outcome)
                self.assert_delivered(text)
                self.assertNotIn("BDAT", self.words())
                self.assertNotIn(FORGED_SENDER, self.new_log())
                self.assertNotIn(FORGER, self.new_log())

    def test_sent_ahead(self) -> None:
        """It is logged in as the forger, whose mail is delivered."""
        self.send_ahead(TEXTS["short"])
        self.assertRegex(self.new_log(), f"{LOGIN}{FORGER}>")
        mail = wait_for("delivered", lambda: take(self.postfix.inbox), 30).decode()
        self.assertIn(f"Delivered-To: {VICTIM}", mail)
        self.assertIn(f"Return-Path: <{FORGED_SENDER}>", mail)
        self.assertLess({"wire", "log"}, set(self.heard()))
        self.assertIn("AUTH", self.words())


class WithPostfix(World):
    """It wants TLS before anything else."""

    command = r"smtpd\[\d+\]: < localhost\[127\.0\.0\.1\]: (.*)"

    def is_over(self) -> bool:
        return self.postfix_is_done(self.sessions)

    @classmethod
    def begin(cls) -> None:
        (cls.folder / "certificates").mkdir()
        certificates = Certificates(cls.folder / "certificates")
        cls.submit.trust(certificates.ca)
        settings = {
            "smtpd_tls_security_level": "encrypt",
            "smtpd_tls_cert_file": certificates.good,
            "smtpd_tls_key_file": certificates.good,
            # Its log tells each command.
            "debug_peer_list": "127.0.0.1",
            # Since 3.9 it hangs up on who does not wait for replies, unless it is told not to.
            "smtpd_forbid_unauth_pipelining": "no",
        }
        cls.server = cls.postfix = cls.enterClassContext(Postfix(settings))

    def test_without_tls(self) -> None:
        for name, text in TEXTS.items():
            with self.subTest(name):
                outcome = self.offer(text, "-t", "no")
                self.assertIn("reverse path 530 5.7.0", outcome.lines, outcome)
                self.assertEqual(outcome.exit_code, 1, outcome)
                self.assert_refused_unheard()

    def test_esmtp_without_tls(self) -> None:
        for name, text in TEXTS.items():
            with self.subTest(name):
                done = self.esmtp(text, "starttls = disabled")
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assert_refused_unheard()

    def test_with_tls(self) -> None:
        for name, text in TEXTS.items():
            with self.subTest(name):
                outcome = self.offer(text, "-t", "must")
                self.assertTrue(outcome.sent, outcome)
                self.assert_delivered(text)
                self.assertEqual(self.heard(), {}, "neither in clear nor in the log")

    def test_esmtp_with_tls(self) -> None:
        done = self.esmtp(TEXTS["short"], "starttls = required")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assert_delivered(TEXTS["short"])
        self.assertEqual(self.heard(), {}, "neither in clear nor in the log")

    def test_sent_ahead(self) -> None:
        """Whoever listens in has the text. Postfix takes it for commands; it hangs up where one looks
        like a header."""
        self.send_ahead(TEXTS["short"])
        self.assertEqual(set(self.heard()["wire"]), set(MARKS))
        self.assertIn("FROM:", self.words())
        self.send_ahead(COMMANDS)
        self.assertLessEqual({"AUTH", "NOOP"}, self.words())
        self.assertIn(f"MAIL FROM:<{FORGED_SENDER}>", self.commands())
        self.assertEqual(set(self.heard()), {"wire", "log", "Postfix"})


if __name__ == "__main__":
    harness.main(__doc__, World)
