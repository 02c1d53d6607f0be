#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mail with a token, from end to end: a client reads a Unix socket, esmtp-token behind it asks a real
OAuth server (oidc-provider), Postfix takes the token by XOAUTH2, Dovecot asks the OAuth server whether it is
good, and the mail is delivered.

    tests/token/mail.py [--program FILE]    FILE: target/debug/esmtp-token by default"""

import os
import smtplib
import socket
import ssl
import unittest

from front import Inetd, SocketActivate, read_all
from harness import SECONDS, main
from oidc import OidcCase

# Found by harness.
import accounts  # isort: skip
import dovecot  # isort: skip
from sites import PostfixSite  # isort: skip


def dovecot_that_asks(url: str, ca) -> type[accounts.Dovecot]:
    """Dovecot that sends each token to the OAuth server (RFC 7662) instead of looking at its signature."""

    class Asking(accounts.Dovecot):
        tokens = dovecot.IntrospectedTokens(url, ca)

    return Asking


class MailCase(OidcCase):
    """With an OAuth server, a mail server that believes it, and a mailbox whose owner agreed."""

    @classmethod
    def set_up_servers(cls) -> None:
        if os.geteuid() != 0:
            raise unittest.SkipTest("the servers run as root only")
        super().set_up_servers()
        # Dovecot's processes give up root.
        cls.certificates.folder.chmod(0o755)
        endpoint = cls.server.url.replace("https://", "https://dovecot:the-secret@")

        class WithOidc(PostfixSite):
            checker = dovecot_that_asks(f"{endpoint}/token/introspection", cls.certificates.ca)

        cls.site = cls.enterClassContext(WithOidc(cls.certificates, False))
        cls.site.offer("XOAUTH2")

    def setUp(self) -> None:
        super().setUp()
        self.configure_oidc("device", "refresh-token", f'device-endpoint = "{self.server.url}/device/auth"')
        self.authorize("alice")
        self.path = self.folder / "x"


class Mail(MailCase):
    def log_in(self, client: smtplib.SMTP, user: str, token: str):
        """The server's last reply to AUTH XOAUTH2."""
        client.starttls(context=ssl.create_default_context(cafile=self.certificates.ca))
        client.ehlo()
        return client.auth("XOAUTH2", lambda _=None: f"user={user}\1auth=Bearer {token}\1\1")

    def send(self, user: str, token: str) -> bytes:
        with smtplib.SMTP("localhost", self.site.server.port, timeout=SECONDS) as client:
            self.log_in(client, user, token)
            client.sendmail("alerts@example.net", ["recipient@example.org"], "Subject: token\r\n\r\nhello\r\n")
        return self.site.mail()

    def test_a_mail_with_a_token_from_a_socket(self) -> None:
        fronts = [Inetd, *([SocketActivate] if SocketActivate.is_here() else [])]
        for front in fronts:
            with front(self.path, self.config) as running:
                token, expires = read_all(self.path).decode().splitlines()
                self.assertRegex(expires, r"\Aexpires=\d+\Z", running.errors)
                mail = self.send("alice", token)
            self.assertIn(b"Authenticated sender: alice", mail)
            self.assertTrue(mail.endswith(b"hello\n"), mail)
            self.path.unlink(missing_ok=True)

    def test_the_token_is_what_lets_it_in(self) -> None:
        with Inetd(self.path, self.config):
            token = read_all(self.path).decode().split("\n")[0]
        for user, wrong in (("alice", token[:-1]), ("bob", token), ("alice", "")):
            with smtplib.SMTP("localhost", self.site.server.port, timeout=SECONDS) as client:
                with self.assertRaises(smtplib.SMTPAuthenticationError):
                    self.log_in(client, user, wrong)

    def test_a_socket_of_another_name(self) -> None:
        with Inetd(self.folder / "other", self.config) as running:
            self.assertEqual(read_all(self.folder / "other"), b"")
        self.assertIn(b"other: there is no [other] in", running.errors)

    def test_somebody_who_leaves_at_once(self) -> None:
        with Inetd(self.path, self.config):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(self.path))
            # The refresh token that the server changed for nobody is kept all the same.
            self.assertIn(b"expires=", read_all(self.path))


if __name__ == "__main__":
    main()
