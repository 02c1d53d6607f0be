#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From end to end, with nobody in between who knows of OAuth: Debian's collectd, unmodified, with this
library and a site policy; a Unix socket with esmtp-token behind it; oidc-provider; Postfix that wants TLS and
XOAUTH2; Dovecot that asks oidc-provider whether the token is good.

    tests/token/collectd.py [--program FILE] [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import shutil
import sys
from pathlib import Path

from front import Inetd, SocketActivate
from harness import ROOT, main
from mail import MailCase

# Found by harness.
import programs_drivers as drivers  # isort: skip

POLICY = """\
version = 1

[relay.tokens]
server     = "localhost:{port}"
tls        = "starttls"
ca-file    = "{ca}"
user       = "alice"
mechanisms = ["XOAUTH2"]
secret     = {{ socket = "{socket}" }}

[[rule]]
program = "collectd"
relays  = ["tokens"]
"""

build = ROOT / "build"


class Collectd(MailCase):
    def mails(self, number: int) -> list[bytes]:
        """As many as there are recipients, taken out of the mailbox."""
        inbox = self.site.server.inbox
        files = drivers.wait_for("delivered", lambda: (found := [*inbox.glob("new/*")])[number - 1 :] and found)
        texts = [file.read_bytes() for file in files]
        for file in files:
            file.unlink()
        return texts

    def test_its_mail_arrives_with_a_token(self) -> None:
        self.site.server.configure(smtpd_tls_security_level="encrypt")
        policy = self.folder / "policy.toml"
        policy.write_text(POLICY.format(port=self.site.server.port, ca=self.certificates.ca, socket=self.path))
        policy.chmod(0o644)
        variables = {"LIBESMTP_POLICY": str(policy), "LIBESMTP_TRACE": str(self.folder / "trace")}
        before, kept = self.kept(), []
        front = SocketActivate if SocketActivate.is_here() else Inetd
        with front(self.path, self.config) as running:
            # collectd.conf has another server, on a port where nobody listens.
            with drivers.Collectd(9, build, variables) as collectd:
                self.assertEqual(collectd.loaded.parent, build)
                for text in ("first", "second"):
                    collectd.send(text)
                    for mail in self.mails(collectd.recipients):
                        self.assertIn(f"{text}\n".encode(), mail)
                        self.assertIn(b"Authenticated sender: alice", mail)
                        self.assertIn(b"using TLS", mail)
                    kept.append(self.kept())
                trace = (self.folder / "trace").read_text(errors="replace")
        self.assertEqual(trace.count(" C: AUTH XOAUTH2"), 2, trace)
        # One token for both: the library keeps it until shortly before it expires.
        self.assertNotEqual(kept[0], before)
        self.assertEqual(kept[0], kept[1])
        # The refresh token is in nothing that others may read.
        shown = trace + running.errors.decode()
        self.assertNotIn(kept[0], shown)

    def test_without_a_token_nothing_goes_out(self) -> None:
        """The consent was taken back."""
        state = self.state / "x.json"
        state.write_text(state.read_text().replace(self.kept(), "gone"))
        policy = self.folder / "policy.toml"
        policy.write_text(POLICY.format(port=self.site.server.port, ca=self.certificates.ca, socket=self.path))
        policy.chmod(0o644)
        with Inetd(self.path, self.config) as running:
            with drivers.Collectd(9, build, {"LIBESMTP_POLICY": str(policy)}) as collectd:
                collectd.send("third")
                drivers.wait_for("collectd says so", lambda: "SMTP server problem" in collectd.log())
        self.assertIn(b"invalid_grant", running.errors)


if __name__ == "__main__":
    if "--build" in sys.argv:
        at = sys.argv.index("--build")
        build = Path(sys.argv[at + 1]).resolve()
        del sys.argv[at : at + 2]
    if not shutil.which("collectd", path="/usr/sbin:/sbin:/usr/bin"):
        sys.exit("collectd is not installed (see scripts/setup)")
    main()
