# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail servers with everything that a client may be asked for: certificates and accounts. One has
to authenticate before it takes a mail. A site is a context manager."""

import contextlib
import os
import re
import subprocess
import tempfile
import unittest
from collections.abc import Iterable
from pathlib import Path

import exim
import gsasl
from accounts import PASSWORD, USER, CyrusSasl, Dovecot, token
from certificates import Certificates
from servers import TLS_PORT, Postfix, find

CLEAR, STARTTLS, TLS = "clear", "STARTTLS", "port 465"
CHANNELS = {CLEAR: ("-t", "no"), STARTTLS: ("-t", "must"), TLS: ("-t", "no")}
TOKENS = {"OAUTHBEARER", "XOAUTH2"}
# These make sense with the client's certificate, or are not used without TLS.
ONLY_WITH_TLS = {"EXTERNAL", *TOKENS}


def version(program: str, *arguments: str) -> str:
    said = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=30)
    return number_in(said.stdout)


def number_in(text: str) -> str:
    return re.search(r"\d+(\.\d+)+", text).group()


class Site(contextlib.ExitStack):
    mechanisms: tuple[str, ...]

    def __init__(self, certificates: Certificates, own_network: bool):
        super().__init__()
        self.certificates = certificates
        self.own_network = own_network

    def __enter__(self):
        super().__enter__()
        try:
            self.begin()
        except BaseException:
            self.close()
            raise
        return self

    @classmethod
    def refuse(cls) -> str | None:
        """Why it can't run here."""
        return None if os.geteuid() == 0 else "the servers run as root only"

    @classmethod
    def cases(cls) -> Iterable[tuple[str, str]]:
        """Mechanism and channel."""
        for mechanism in cls.mechanisms:
            for channel in CHANNELS:
                if channel != CLEAR or mechanism not in ONLY_WITH_TLS:
                    yield mechanism, channel

    def port(self, channel: str) -> int:
        if channel != TLS:
            return self.server.port
        if not self.own_network:
            raise unittest.SkipTest("port 465 is used in a network of the test's own only")
        return TLS_PORT

    def mail(self) -> bytes:
        return self.server.mail()


def credentials(mechanism: str) -> tuple[str, ...]:
    """Options of the program."""
    if mechanism == "EXTERNAL":
        return ("-x", USER)
    return ("-P", "-u", USER, "-p", token() if mechanism in TOKENS else PASSWORD)


class PostfixSite(Site):
    """A subclass says who checks passwords."""

    def begin(self) -> None:
        self.accounts = self.enter_context(self.checker())
        settings = {
            "smtpd_tls_security_level": "may",
            "smtpd_tls_chain_files": self.certificates.good,
            "smtpd_tls_CAfile": self.certificates.ca,
            "smtpd_tls_ask_ccert": "yes",
            "smtpd_tls_received_header": "yes",
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_authenticated_header": "yes",
            "smtpd_recipient_restrictions": "permit_sasl_authenticated, reject",
        }
        settings |= self.accounts.settings()
        postfix = Postfix(settings, self.own_network, self.accounts.config)
        self.server = self.enter_context(postfix)

    def offer(self, *mechanisms: str) -> None:
        self.server.configure(smtpd_sasl_mechanism_filter=" ".join(mechanisms))

    def use(self, certificate: Path) -> None:
        self.server.configure(smtpd_tls_chain_files=certificate)

    @staticmethod
    def version() -> str:
        return version(find("postconf"), "-d", "mail_version")


class PostfixWithDovecot(PostfixSite):
    checker = Dovecot
    # Not EXTERNAL: Postfix does not tell Dovecot of the client's certificate.
    mechanisms = (
        "PLAIN",
        "LOGIN",
        "CRAM-MD5",
        "SCRAM-SHA-1",
        "SCRAM-SHA-256",
        "OAUTHBEARER",
        "XOAUTH2",
    )

    def title(self) -> str:
        return f"Postfix {self.version()}, Dovecot {version(find('dovecot'), '--version')}"


class PostfixWithCyrus(PostfixSite):
    checker = CyrusSasl
    mechanisms = tuple(CyrusSasl.mechanisms.split())

    def title(self) -> str:
        sasl = version(find("dpkg-query"), "-W", "-f", "${Version}", "libsasl2-2")
        return f"Postfix {self.version()}, Cyrus SASL {sasl}"


class EximSite(Site):
    mechanisms = tuple(exim.AUTHENTICATORS)

    def begin(self) -> None:
        certificates = self.certificates
        self.server = self.enter_context(exim.EximWithAccounts(certificates.good, certificates.ca, self.own_network))

    def offer(self, *mechanisms: str) -> None:
        self.server.offer(*mechanisms)

    @classmethod
    def refuse(cls) -> str | None:
        return super().refuse() or (None if exim.is_unpacked() else "no Exim here (see tests/real/fetch_packages.sh)")

    def title(self) -> str:
        return f"Exim {number_in(self.server.greeting())}, GnuTLS"


class GnuSaslSite(Site):
    mechanisms = ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS")

    def begin(self) -> None:
        folder = self.enter_context(tempfile.TemporaryDirectory(prefix="esmtp-gsasl-"))
        self.program = gsasl.build(Path(folder))
        self.running = self.enter_context(contextlib.ExitStack())

    @classmethod
    def refuse(cls) -> str | None:
        return None

    @classmethod
    def cases(cls) -> Iterable[tuple[str, str]]:
        return ((mechanism, STARTTLS) for mechanism in cls.mechanisms)

    def offer(self, *mechanisms: str, tls13: bool = True) -> None:
        self.running.close()
        server = gsasl.GnuSasl(self.program, self.certificates.good, *mechanisms, tls13=tls13)
        self.server = self.running.enter_context(server)

    def title(self) -> str:
        return f"GNU SASL {version(find('dpkg-query'), '-W', '-f', '${Version}', 'libgsasl-dev')}"


SITES = (PostfixWithDovecot, PostfixWithCyrus, EximSite, GnuSaslSite)
