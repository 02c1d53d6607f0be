#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The options of examples/mail-file.c do what its usage says.

tests/real/programs_mail_file.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import contextlib
import os
import pty
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from certificates import Certificates
from listening import free_port
from more_servers import Aiosmtpd
from programs_drivers import compile_mail_file

SENDER = "sender@example.net"
RECIPIENT = "recipient@example.org"
MAIL = b"Subject: first\nFrom: Sender <sender@example.net>\n\nhello\n"
SECONDS = 30


def all_of(terminal) -> bytes:
    """What was shown on a terminal that nobody has open any more: its end is an error."""
    shown = b""
    with contextlib.suppress(OSError):
        while block := terminal.read(1 << 16):
            shown += block
    return shown


class MailFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="esmtp-mail-file-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        cls.program = compile_mail_file(cls.folder)
        cls.certificates = Certificates(cls.folder)
        cls.trusting = cls.certificates.trusted_by(cls.folder)
        cls.mail = cls.folder / "mail"
        cls.mail.write_bytes(MAIL)

    def run_program(self, *arguments, trust: bool = False, **more) -> subprocess.CompletedProcess:
        variables = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LD_LIBRARY_PATH": str(harness.build)}
        if trust:
            variables |= self.trusting
        streams = {"stdin": subprocess.DEVNULL, "capture_output": True} | more
        command = [self.program, *map(str, arguments)]
        return subprocess.run(command, env=variables, text=True, timeout=SECONDS, **streams)

    def send(self, server, *options, mail: Path | None = None, **more) -> subprocess.CompletedProcess:
        options = ("--host", f"localhost:{server.port}", "--from", SENDER, *options)
        return self.run_program(*options, mail or self.mail, RECIPIENT, **more)

    def test_subject_and_receipt(self) -> None:
        with Aiosmtpd() as server:
            done = self.send(server, "--subject", "second", "--mdn", SENDER)
            (mail,) = server.take()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "sent: 2.0.0 Taken\n", ""))
        self.assertTrue(mail.startswith(b"Subject: second\nFrom: Sender <sender@example.net>\n"), mail)
        self.assertIn(b"\nDisposition-Notification-To: sender@example.net\n", mail)
        self.assertTrue(mail.endswith(b"\n\nhello\n"))

    def test_quiet(self) -> None:
        with Aiosmtpd() as server:
            done = self.send(server, "--quiet")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_monitor(self) -> None:
        with Aiosmtpd() as server:
            done = self.send(server, "--monitor", "--body", "8bit")
        self.assertEqual(done.returncode, 0, done.stderr)
        command = f"C: MAIL FROM:<{SENDER}> SIZE={len(MAIL)} BODY=8BITMIME"
        self.assertIn(command, done.stderr.splitlines())
        self.assertIn("H: Subject: first", done.stderr.splitlines())

    def test_reports_that_the_server_does_not_send(self) -> None:
        """aiosmtpd has no DSN."""
        with Aiosmtpd() as server:
            done = self.send(server, "--notify", "success,delay", "--ret", "headers", "--envid", "one")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "mail-file: the server sends no reports; sent without\n")

    def test_progress_on_a_terminal(self) -> None:
        large = self.folder / "large"
        large.write_bytes(MAIL + b"a line of text that is neither short nor long\n" * 20_000)
        ours, theirs = pty.openpty()
        with Aiosmtpd() as server, open(ours, "rb", buffering=0) as terminal:
            try:
                streams = {"stdout": subprocess.DEVNULL, "stderr": theirs, "capture_output": False}
                done = self.send(server, mail=large, **streams)
            finally:
                os.close(theirs)
            shown = all_of(terminal).decode()
        self.assertEqual(done.returncode, 0)
        self.assertIn("] 100%", shown)
        self.assertIn("[" + "#" * 20 + " " * 20 + "]  50%", shown)

    def test_no_progress_elsewhere(self) -> None:
        large = self.folder / "as-large"
        large.write_bytes(MAIL + b"a line of text that is neither short nor long\n" * 20_000)
        with Aiosmtpd() as server:
            done = self.send(server, mail=large)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_tls_that_is_trusted(self) -> None:
        with Aiosmtpd(self.certificates.good) as server:
            done = self.send(server, "--require-tls", trust=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stderr.startswith("TLS: TLS_"), done.stderr)

    def test_tls_that_is_not_trusted(self) -> None:
        with Aiosmtpd(self.certificates.good) as server:
            refused = self.send(server, "--require-tls")
            sent = self.send(server, "--require-tls", "--insecure")
            self.assertEqual(len(server.take()), 1)
        self.assertEqual(refused.returncode, os.EX_TEMPFAIL)
        self.assertIn("mail-file: the server's certificate is not valid\n", refused.stderr)
        self.assertEqual(sent.returncode, 0, sent.stderr)

    def test_tls_that_is_not_there(self) -> None:
        with Aiosmtpd() as server:
            done = self.send(server, "--require-tls")
            self.assertEqual(list(server.inbox.glob("new/*")), [])
        self.assertEqual(done.returncode, os.EX_TEMPFAIL)
        self.assertTrue(done.stderr.startswith("mail-file: the server has no TLS\n"), done.stderr)

    def test_password(self) -> None:
        secret = self.folder / "secret"
        secret.write_text("open sesame\n")
        options = ("--require-tls", "--monitor", "--user", "me", "--password-file", secret)
        with Aiosmtpd(self.certificates.good, account="me:open sesame") as server:
            done = self.send(server, *options, trust=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        # It is for the server alone: neither as it is nor in base64.
        self.assertIn("C: (credentials)\n", done.stderr)
        for told in ("open sesame", "b3BlbiBzZXNhbWU", "bWU="):
            self.assertNotIn(told, done.stderr)

    def test_refused_for_now(self) -> None:
        with Aiosmtpd() as server:
            server_options = ("--host", f"localhost:{server.port}", "--from", SENDER)
            done = self.run_program(*server_options, self.mail, "greylisted@example.org")
        self.assertEqual(done.returncode, os.EX_TEMPFAIL)
        self.assertIn("greylisted@example.org: 451 ", done.stderr)

    def test_all_or_nothing(self) -> None:
        with Aiosmtpd() as server:
            server_options = ("--host", f"localhost:{server.port}", "--require-all")
            done = self.run_program(*server_options, self.mail, RECIPIENT, "nobody@example.org")
            self.assertEqual(list(server.inbox.glob("new/*")), [])
        # The first one may be tried again, without the other.
        self.assertEqual(done.returncode, os.EX_TEMPFAIL)
        self.assertIn("mail-file: nobody@example.org: 550 ", done.stderr)

    def test_nobody_there(self) -> None:
        done = self.run_program("--host", f"127.0.0.1:{free_port()}", self.mail, RECIPIENT)
        self.assertEqual(done.returncode, os.EX_TEMPFAIL)
        self.assertIn("Connection refused", done.stderr)

    def test_arguments(self) -> None:
        mail = [self.mail, RECIPIENT]
        for arguments in ([], [self.mail], ["--notify", "sometimes", *mail], ["--body", "9bit", *mail]):
            with self.subTest(arguments):
                done = self.run_program(*arguments)
                self.assertEqual(done.returncode, os.EX_USAGE)
                self.assertTrue(done.stderr.startswith("usage: mail-file "), done.stderr)
        self.assertEqual(self.run_program("/nonexistent", RECIPIENT).returncode, os.EX_NOINPUT)


if __name__ == "__main__":
    harness.main(__doc__)
