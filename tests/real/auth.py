#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail goes to Postfix and Exim, which ask for TLS and for a password, a token or a certificate:
from a program of our own, with this library and with Debian's, and from Debian's esmtp.

    tests/real/auth.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from accounts import PASSWORD, USER, token
from certificates import OTHER_HOST, Certificates
from network import enter_own_network
from servers import find
from sites import (
    CHANNELS,
    STARTTLS,
    TLS,
    EximSite,
    GnuSaslSite,
    PostfixWithCyrus,
    PostfixWithDovecot,
    Site,
    credentials,
)
from submit import MAIL, RECIPIENT, SENDER, Submit, authenticated_as, delivered_as_sent

# What libESMTP 1.1.0 can do with a real server: it does not find its plug-in for CRAM-MD5, its NTLM
# has neither domain nor user, and the others it does not have.
REFERENCE_MECHANISMS = {"PLAIN", "LOGIN", "EXTERNAL"}
# OpenSSL's X509_V_ERR_...
NOT_YET_VALID, EXPIRED, SELF_SIGNED, SELF_SIGNED_AT_THE_TOP = 9, 10, 18, 19
ESMTP_SECONDS = 30

own_network = False


class World(unittest.TestCase):
    """Certificates, the program, and one site for all tests of a class."""

    site_class: type[Site]

    @classmethod
    def setUpClass(cls) -> None:
        try:
            cls.set_up_site()
            cls.missing = None
        except unittest.SkipTest as missing:
            # Raised here it would not count as a test that was skipped.
            cls.missing = missing

    @classmethod
    def set_up_site(cls) -> None:
        if reason := cls.site_class.refuse():
            raise unittest.SkipTest(reason)
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="esmtp-auth-")))
        # Servers that gave up root read certificates here.
        folder.chmod(0o755)
        (folder / "certificates").mkdir()
        cls.certificates = Certificates(folder / "certificates")
        cls.submit = Submit(folder, harness.build)
        cls.site = cls.enterClassContext(cls.site_class(cls.certificates, own_network))

    def setUp(self) -> None:
        if self.missing is not None:
            raise self.missing
        self.site.offer(*self.site.mechanisms)
        self.submit.trust(self.certificates.ca)
        self.submit.use_client_certificate(None)

    def assert_delivered(self, outcome, user: str = USER) -> None:
        self.assertTrue(outcome.sent, outcome)
        mail = self.site.mail()
        self.assertTrue(delivered_as_sent(mail), mail)
        self.assertEqual(authenticated_as(mail), user)

    def assert_not_sent(self, outcome) -> None:
        self.assertEqual(outcome.exit_code, 1, outcome)


def mechanism_test(mechanism: str, channel: str):
    def test(self) -> None:
        self.site.offer(mechanism)
        port = self.site.port(channel)
        if mechanism == "EXTERNAL":
            self.submit.use_client_certificate(self.certificates.client(USER))
        options = [*CHANNELS[channel], *credentials(mechanism)]

        ours = self.submit(port, *options)
        self.assert_delivered(ours)
        self.assertEqual(ours.tried, [mechanism], ours)

        # It waits on port 465 until the greeting's time is over.
        if channel == TLS:
            return
        reference = self.submit(port, *options, ours=False)
        if mechanism in REFERENCE_MECHANISMS:
            self.assert_delivered(reference)
            self.assertEqual(ours.alike, reference.alike)
        else:
            self.assert_not_sent(reference)

    return test


def add_mechanism_tests(case: type[World]) -> type[World]:
    for mechanism, channel in case.site_class.cases():
        name = f"test_{mechanism}_{channel}".lower().replace("-", "_").replace(" ", "_")
        setattr(case, name, mechanism_test(mechanism, channel))
    return case


@add_mechanism_tests
class Dovecot(World):
    site_class = PostfixWithDovecot

    def test_the_strongest_comes_first(self) -> None:
        outcome = self.submit(self.site.port(STARTTLS), "-t", "must", *credentials("PLAIN"))
        self.assert_delivered(outcome)
        self.assertEqual(outcome.tried, ["SCRAM-SHA-256"])

    def test_the_selected_comes_first(self) -> None:
        options = ["-t", "must", "-m", "login", *credentials("LOGIN")]
        outcome = self.submit(self.site.port(STARTTLS), *options)
        self.assert_delivered(outcome)
        self.assertEqual(outcome.tried, ["LOGIN"])

    def test_a_wrong_password_is_tried_twice_at_most(self) -> None:
        self.site.offer("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")
        options = ["-t", "must", "-P", "-u", USER, "-p", "wrong"]
        outcome = self.submit(self.site.port(STARTTLS), *options)
        self.assert_not_sent(outcome)
        self.assertEqual(outcome.tried[0], "SCRAM-SHA-256")
        self.assertIn(outcome.tried[1:], (["PLAIN"], ["LOGIN"]))
        self.assertEqual(outcome.lines.count("answer 535"), 2, outcome)
        # The server says no to who has not authenticated, when it hears of the recipient.
        self.assertTrue([line for line in outcome.lines if line.endswith(", status 554 5.7.1")], outcome)
        self.assertIn("result 1 error 0", outcome.lines)

    def test_no_clear_text_mechanism_without_leave(self) -> None:
        self.site.offer("PLAIN", "LOGIN")
        options = ["-t", "must", "-u", USER, "-p", PASSWORD]
        outcome = self.submit(self.site.port(STARTTLS), *options)
        self.assert_not_sent(outcome)
        self.assertEqual(outcome.tried, [])

    def test_a_token_of_somebody_else_is_refused(self) -> None:
        self.site.offer("OAUTHBEARER", "XOAUTH2")
        forged = token(key=b"another key")
        options = ["-t", "must", "-P", "-u", USER, "-p", forged]
        outcome = self.submit(self.site.port(STARTTLS), *options)
        self.assert_not_sent(outcome)
        self.assertIn(outcome.tried, (["OAUTHBEARER"], ["XOAUTH2"]))
        self.assertEqual(outcome.lines.count("answer 535"), 1, outcome)

    def test_no_token_in_clear(self) -> None:
        self.site.offer("OAUTHBEARER", "XOAUTH2")
        outcome = self.submit(self.site.port(STARTTLS), "-t", "no", *credentials("OAUTHBEARER"))
        self.assert_not_sent(outcome)
        self.assertEqual(outcome.tried, [])

    def test_the_server_sees_the_client_certificate(self) -> None:
        self.submit.use_client_certificate(self.certificates.client("bob"))
        outcome = self.submit(self.site.port(STARTTLS), "-t", "must", *credentials("PLAIN"))
        self.assertTrue(outcome.sent, outcome)
        self.assertIn(b'(Client CN "bob", Issuer "Test CA" (verified OK))', self.site.mail())


@add_mechanism_tests
class Cyrus(World):
    site_class = PostfixWithCyrus


@add_mechanism_tests
class Exim(World):
    site_class = EximSite

    def test_external_as_the_certificate_says(self) -> None:
        self.submit.use_client_certificate(self.certificates.client("bob"))
        self.site.offer("EXTERNAL")
        outcome = self.submit(self.site.port(STARTTLS), "-t", "must", "-x", USER)
        self.assert_delivered(outcome, user="bob")

    def test_no_external_without_certificate(self) -> None:
        self.site.offer("EXTERNAL")
        outcome = self.submit(self.site.port(STARTTLS), "-t", "must", "-x", USER)
        self.assert_not_sent(outcome)
        self.assertEqual(outcome.tried, [])


class ServerCertificates(World):
    """What the application is told of a certificate, and that nothing is said before it agrees."""

    site_class = PostfixWithDovecot

    def setUp(self) -> None:
        super().setUp()
        self.site.use(self.certificates.good)

    def check(self, faults: list[str], host: str = "localhost", reference: bool = True) -> None:
        options = ["-t", "must", *credentials("PLAIN")]
        self.site.offer("PLAIN")
        port = self.site.port(STARTTLS)

        accepting = self.submit(port, "-a", *options, host=host)
        self.assert_delivered(accepting)
        told = [event for event in accepting.events if "CERTIFICATE" in event]
        self.assertEqual(told, [f"{fault} accepted" for fault in faults])

        refusing = self.submit(port, *options, host=host)
        if faults:
            self.assert_not_sent(refusing)
            self.assertEqual(refusing.tried, [])
            self.assertEqual(refusing.events, ["CONNECT", f"{faults[0]} refused", "DISCONNECT"])
            self.assertTrue(any(line.startswith("result 0 ") for line in refusing.lines), refusing)
        else:
            self.assert_delivered(refusing)

        if reference:
            other = self.submit(port, "-a", *options, host=host, ours=False)
            self.assert_delivered(other)
            self.assertEqual(accepting.alike, other.alike)
            other = self.submit(port, *options, host=host, ours=False)
            self.assertEqual(refusing.events, other.events)
            if other.sent:
                self.site.mail()

    def test_good(self) -> None:
        self.check([])

    def test_good_for_an_address(self) -> None:
        # libESMTP 1.1.0 knows no addresses in certificates.
        self.check([], host="127.0.0.1", reference=False)

    def test_expired(self) -> None:
        self.site.use(self.certificates.expired)
        self.check([f"INVALID_PEER_CERTIFICATE {EXPIRED}"])

    def test_not_yet_valid(self) -> None:
        self.site.use(self.certificates.not_yet_valid)
        self.check([f"INVALID_PEER_CERTIFICATE {NOT_YET_VALID}"])

    def test_self_signed(self) -> None:
        self.site.use(self.certificates.self_signed)
        self.check([f"INVALID_PEER_CERTIFICATE {SELF_SIGNED}"])

    def test_wrong_name(self) -> None:
        self.site.use(self.certificates.wrong_name)
        self.check([f"WRONG_PEER_CERTIFICATE {OTHER_HOST}"])

    def test_unknown_authority(self) -> None:
        self.submit.trust(self.certificates.self_signed)
        self.check([f"INVALID_PEER_CERTIFICATE {SELF_SIGNED_AT_THE_TOP}"])

    def test_tls_that_is_required_and_not_there(self) -> None:
        self.site.server.configure(smtpd_tls_security_level="none")
        self.addCleanup(self.site.server.configure, smtpd_tls_security_level="may")
        outcome = self.submit(self.site.port(STARTTLS), "-t", "must", *credentials("PLAIN"))
        self.assert_not_sent(outcome)
        self.assertEqual(outcome.events, ["CONNECT", "EXTNA_STARTTLS", "DISCONNECT"])
        self.assertEqual(outcome.tried, [])


@add_mechanism_tests
class GnuSasl(World):
    """It agrees with us on what tells a TLS connection from any other."""

    site_class = GnuSaslSite

    def send(self, password: str = PASSWORD):
        port = self.site.port(STARTTLS)
        outcome = self.submit(port, "-t", "must", "-u", USER, "-p", password)
        return outcome, self.site.server.answers()

    def test_with_older_tls(self) -> None:
        """RFC 5929 section 3 instead of RFC 9266"""
        for mechanism in self.site.mechanisms:
            with self.subTest(mechanism):
                self.site.offer(mechanism, tls13=False)
                outcome, answers = self.send()
                self.assert_delivered(outcome)
                self.assertIn("version TLSv1.2", outcome.lines)
                self.assertEqual(answers, [f"{mechanism} succeeded"])

    def test_it_comes_first(self) -> None:
        self.site.offer("SCRAM-SHA-1", "SCRAM-SHA-256", *self.site.mechanisms)
        outcome, answers = self.send()
        self.assert_delivered(outcome)
        self.assertEqual(answers, ["SCRAM-SHA-256-PLUS succeeded"])

    def test_wrong_password(self) -> None:
        self.site.offer("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256")
        outcome, answers = self.send("wrong")
        self.assert_not_sent(outcome)
        # One that does not bind would fare no better.
        self.assertEqual(len(answers), 1, answers)
        self.assertFalse([answer for answer in answers if "succeeded" in answer])

    def test_who_takes_it_from_the_offer_is_found_out(self) -> None:
        """The client says that it would have bound; the server knows that it had offered that."""
        self.site.offer("SCRAM-SHA-256")
        outcome, answers = self.send()
        self.assert_not_sent(outcome)
        self.assertEqual(answers, ["SCRAM-SHA-256 GSASL_AUTHENTICATION_ERROR"])


class Esmtp(World):
    """Debian's own program, as it is."""

    site_class = PostfixWithDovecot

    def send(self, ours: bool, password: str = PASSWORD) -> subprocess.CompletedProcess:
        settings = self.submit.home / "esmtprc"
        settings.write_text(
            f"hostname = localhost:{self.site.port(STARTTLS)}\nhelo = client.example\n"
            f'starttls = required\nusername = "{USER}"\npassword = "{password}"\n'
        )
        settings.chmod(0o600)
        return subprocess.run(
            [find("esmtp"), "-v", "-C", settings, "-f", SENDER, RECIPIENT],
            env=self.submit.environment(ours),
            input=MAIL.replace(b"\r\n", b"\n"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=ESMTP_SECONDS,
        )

    def assert_mail_of(self, done: subprocess.CompletedProcess) -> None:
        self.assertEqual(done.returncode, 0, done.stdout)
        mail = self.site.mail()
        self.assertTrue(delivered_as_sent(mail), mail)
        self.assertEqual(authenticated_as(mail), USER)
        # RFC 3848: over TLS, and authenticated.
        self.assertIn(b"with ESMTPSA", mail)

    def test_with_each_library(self) -> None:
        self.assert_mail_of(self.send(ours=True))
        self.assert_mail_of(self.send(ours=False))

    def test_wrong_password(self) -> None:
        self.assertNotEqual(self.send(ours=True, password="wrong").returncode, 0)

    def test_certificate_of_another_host(self) -> None:
        self.site.use(self.certificates.wrong_name)
        self.addCleanup(self.site.use, self.certificates.good)
        self.assertNotEqual(self.send(ours=True).returncode, 0)


if __name__ == "__main__":
    own_network = os.geteuid() == 0 and enter_own_network()
    harness.main(__doc__, World)
