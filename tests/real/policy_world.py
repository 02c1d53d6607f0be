# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of a site policy have in common."""

import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from accounts import PASSWORD, USER
from certificates import Certificates
from servers import find
from sites import PostfixWithDovecot
from submit import Submit, authenticated_as, delivered_as_sent

TOOL = harness.ROOT / "target/debug/esmtp-policy"


class World(unittest.TestCase):
    """A folder, certificates, the program and, where it is wanted, a site."""

    with_site = True

    @classmethod
    def setUpClass(cls) -> None:
        cls.missing = None
        if os.geteuid() != 0:
            cls.missing = "the servers run as root only"
            return
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="esmtp-policy-")))
        cls.folder.chmod(0o755)
        (cls.folder / "certificates").mkdir()
        cls.certificates = Certificates(cls.folder / "certificates")
        cls.submit = Submit(cls.folder, harness.build)
        if cls.with_site:
            try:
                cls.site = cls.enterClassContext(PostfixWithDovecot(cls.certificates, False))
            except unittest.SkipTest as missing:
                cls.missing = str(missing)
                return
            # Without TLS and AUTH it takes nothing.
            cls.site.server.configure(smtpd_tls_security_level="encrypt")

    def setUp(self) -> None:
        if self.missing is not None:
            self.skipTest(self.missing)
        self.own = Path(self.enterContext(tempfile.TemporaryDirectory(dir=self.folder, prefix="policy-")))
        self.own.chmod(0o755)
        if self.with_site:
            self.site.offer(*self.site.mechanisms)
            self.site.use(self.certificates.good)

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        file = self.own / name
        file.write_text(text)
        file.chmod(mode)
        return file

    def policy(self, text: str) -> dict[str, str]:
        """The environment of a program that reads it."""
        file = self.write("policy.toml", f"version = 1\n{text}", 0o644)
        return {"LIBESMTP_POLICY": str(file), "LIBESMTP_TRACE": str(self.own / "trace")}

    def trace(self) -> str:
        trace = self.own / "trace"
        return trace.read_text(errors="replace") if trace.exists() else ""

    def run_submit(self, variables: dict[str, str], *options: str, server: str = "mail.invalid:587"):
        host, _, port = server.rpartition(":")
        submit = self.submit
        plain = submit.environment
        submit.environment = lambda ours: plain(ours) | variables
        try:
            return submit(int(port), *options, host=host)
        finally:
            submit.environment = plain

    def server_text(self) -> str:
        return f"localhost:{self.site.server.port}"

    def relay(self, keys: str, name: str = "site") -> str:
        return f'[relay.{name}]\nserver = "{self.server_text()}"\ntls = "starttls"\n{keys}\n'

    def everything(self, *names: str) -> str:
        relays = ", ".join(f'"{name}"' for name in names or ("site",))
        return f"[[rule]]\nrelays = [{relays}]\n"

    def ca(self) -> str:
        ca = self.own / "ca.pem"
        shutil.copy(self.certificates.ca, ca)
        ca.chmod(0o644)
        return f'ca-file = "{ca}"\n'

    def password(self) -> str:
        file = self.write("password", PASSWORD + "\n")
        return f'user = "{USER}"\nsecret = {{ file = "{file}" }}\n'

    def assert_delivered(self, outcome, user: str | None = USER) -> bytes:
        self.assertTrue(outcome.sent, f"{outcome}\n{self.trace()}")
        mail = self.site.mail()
        self.assertTrue(delivered_as_sent(mail), mail)
        self.assertEqual(authenticated_as(mail), user)
        self.assertIn(b"using TLSv1.3", mail)
        return mail

    def assert_not_sent(self, outcome) -> None:
        self.assertEqual(outcome.exit_code, 1, outcome)


def take(maildir: Path, count: int = 1) -> bytes | None:
    """The first of so many mails; all are taken out."""
    mails = sorted(maildir.glob("new/*"))
    if len(mails) < count:
        return None
    text = mails[0].read_bytes()
    for mail in mails:
        mail.unlink()
    return text


def pin(certificate: Path) -> str:
    """As openssl tells it."""
    key = [find("openssl"), "x509", "-in", certificate, "-noout", "-pubkey"]
    pem = subprocess.check_output(key, timeout=30)
    der = subprocess.check_output([find("openssl"), "pkey", "-pubin", "-outform", "DER"], input=pem, timeout=30)
    return "sha256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
