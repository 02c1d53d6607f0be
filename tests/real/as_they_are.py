#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers as they are: strict about names, slow and counting after a wrong password, a proxy that
hangs up, a server in another language. What a machine lacks is skipped with its name.

    tests/real/as_they_are.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import contextlib
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from certificates import Certificates
from more_servers import Aiosmtpd, Exim, PostfixInbox
from other_servers import NODE, RIGHT, STRICT_POSTFIX, WRONG, as_sent, why_not
from proxies import DovecotSubmission, GoServer, Haraka, NginxProxy, NodeServer
from sites import STARTTLS, PostfixWithDovecot
from submit import Submit

ALL = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "XOAUTH2", "OAUTHBEARER")


def setUpModule() -> None:
    """Some servers are only unpacked. Where they are not to be had, their tests say so."""
    fetch = Path(__file__).with_name("fetch_packages.sh")
    with contextlib.suppress(subprocess.SubprocessError):
        subprocess.run([fetch], check=True, stdin=subprocess.DEVNULL, timeout=120)


class World(unittest.TestCase):
    """Certificates and the program."""

    @classmethod
    def setUpClass(cls) -> None:
        if os.geteuid() != 0:
            raise unittest.SkipTest("the servers run as root only")
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="esmtp-servers-")))
        folder.chmod(0o755)
        (folder / "certificates").mkdir()
        cls.certificates = Certificates(folder / "certificates")
        cls.submit = Submit(folder, harness.build)
        cls.submit.trust(cls.certificates.ca)

    def assert_not_sent(self, outcome) -> None:
        self.assertEqual(outcome.exit_code, 1, outcome)

    def assert_told(self, outcome, code: int) -> None:
        """The message's status is the server's word about the password."""
        told = [line for line in outcome.lines if line.startswith(f"message {code}")]
        self.assertTrue(told, outcome)


class Names(World):
    """A host whose name is no domain says hello with its address."""

    def deliver(self, server, node: str, ours: bool = True):
        outcome = self.submit(server.port, node=node, ours=ours)
        if outcome.sent:
            (mail,) = server.take()
            self.assertTrue(as_sent(mail), mail)
        return outcome

    def test_exim(self) -> None:
        """It takes no underscore in a name unless it is told to."""
        if reason := why_not("/usr/sbin/exim4"):
            self.skipTest(f"Exim: {reason}")
        with Exim() as server:
            self.assertTrue(self.deliver(server, NODE).sent)
            self.assertFalse(self.deliver(server, NODE, ours=False).sent)
            self.assertTrue(self.deliver(server, "my-host").sent)

    def test_postfix(self) -> None:
        with PostfixInbox(STRICT_POSTFIX) as server:
            self.assertTrue(self.deliver(server, NODE).sent)
            self.assertFalse(self.deliver(server, NODE, ours=False).sent)
            self.assertTrue(self.deliver(server, "my-host.example.net").sent)


class WrongPasswords(World):
    """How often the server sees one, by what it offers: counted in its own log."""

    # What is offered, and how often Dovecot is asked.
    ATTEMPTS = (
        (ALL, 2),
        (("LOGIN", "PLAIN"), 1),
        (("CRAM-MD5", "SCRAM-SHA-1"), 1),
        (("CRAM-MD5", "LOGIN"), 1),
        (("SCRAM-SHA-256", "LOGIN"), 2),
        (("XOAUTH2", "OAUTHBEARER"), 1),
        (("XOAUTH2", "PLAIN"), 1),
    )

    def test_postfix_with_dovecot(self) -> None:
        site = self.enterContext(PostfixWithDovecot(self.certificates, own_network=False))
        for offered, most in self.ATTEMPTS:
            with self.subTest(offered):
                site.offer(*offered)
                before = site.server.log()
                outcome = self.submit(site.port(STARTTLS), "-t", "must", *WRONG)
                self.assert_not_sent(outcome)
                log = site.server.log().removeprefix(before)
                failed = re.findall(r"SASL (\S+) authentication failed", log)
                self.assertEqual(outcome.tried, failed, log)
                self.assertEqual(len(failed), most, outcome)
                self.assertIn("result 1 error 0", outcome.lines)
                # It takes MAIL from anybody, and says no to the recipient.
                self.assert_told(outcome, 554)

    def test_dovecot_submission(self) -> None:
        """It keeps the client waiting after each."""
        if reason := DovecotSubmission.refuse():
            self.skipTest(reason)
        inbox = self.enterContext(Aiosmtpd())
        server = self.enterContext(DovecotSubmission(self.certificates.good, inbox.port))
        outcome = self.submit(server.port, "-t", "must", *WRONG)
        self.assert_not_sent(outcome)
        self.assertEqual(server.attempts(), 1, server.log())
        self.assertEqual(len(outcome.tried), 1, outcome)
        self.assert_told(outcome, 535)

        outcome = self.submit(server.port, "-t", "must", *RIGHT)
        self.assertTrue(outcome.sent, f"{outcome}\n{server.log()}")
        (mail,) = inbox.take()
        self.assertTrue(as_sent(mail), mail)

    def test_nginx(self) -> None:
        """It answers 535 and hangs up."""
        if reason := why_not("/usr/sbin/nginx"):
            self.skipTest(f"nginx: {reason}")
        inbox = self.enterContext(Aiosmtpd())
        for mechanisms in (("plain",), ("login",), ("plain", "login", "cram-md5")):
            with self.subTest(mechanisms), NginxProxy(inbox.port, mechanisms) as proxy:
                outcome = self.submit(proxy.port, *WRONG)
                self.assert_not_sent(outcome)
                self.assertEqual(len(proxy.questions), 1, outcome)
                self.assertEqual(len(outcome.tried), 1, outcome)
                self.assert_told(outcome, 535)
                # It keeps what CRAM-MD5 needs to itself: only we could compare.
                if "cram-md5" in mechanisms:
                    continue
                outcome = self.submit(proxy.port, *RIGHT)
                self.assertTrue(outcome.sent, f"{outcome}\n{proxy.log()}")
                (mail,) = inbox.take()
                self.assertTrue(as_sent(mail), mail)

    def check(self, server, refusal: int = 535) -> None:
        """A server that counts who asks, and then lets the right one in."""
        outcome = self.submit(server.port, "-t", "must", *WRONG)
        self.assert_not_sent(outcome)
        self.assertEqual(server.asked(), 1, f"{outcome}\n{server.log()}")
        self.assertEqual(len(outcome.tried), 1, outcome)
        self.assert_told(outcome, refusal)
        outcome = self.submit(server.port, "-t", "must", *RIGHT)
        self.assertTrue(outcome.sent, f"{outcome}\n{server.log()}")
        (mail,) = server.take()
        self.assertTrue(as_sent(mail), mail)

    def test_smtp_server_of_npm(self) -> None:
        if reason := NodeServer.refuse():
            self.skipTest(reason)
        with NodeServer(self.certificates.good) as server:
            self.check(server)

    def test_haraka(self) -> None:
        if reason := Haraka.refuse():
            self.skipTest(reason)
        with Haraka(self.certificates.good) as server:
            self.check(server)

    def test_go_smtp(self) -> None:
        if reason := GoServer.refuse():
            self.skipTest(reason)
        # Its word for a wrong password is "not now".
        with GoServer(self.certificates.good) as server:
            self.check(server, refusal=454)


if __name__ == "__main__":
    harness.main(__doc__, World)
