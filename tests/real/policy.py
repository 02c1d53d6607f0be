#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A site policy for programs that know nothing of it: collectd, syslog-ng and one of our own, to
Postfix with Dovecot, which take mail over TLS and from those who authenticate only.

    tests/real/policy.py [--build BUILD] [CLASS[.TEST]…]    BUILD holds libesmtp.so.6 (default: build)"""

import time

import harness
from accounts import USER, token
from policy_file import NothingGoesOut, Rights, WithoutAFile  # noqa: F401
from policy_hosts import Confined, Hosts  # noqa: F401
from policy_plugin import Plugins  # noqa: F401
from policy_relay import Certificate, FailOver, Keys, OwnContext, Proxies  # noqa: F401
from policy_tool import Probe, Tool  # noqa: F401
from policy_world import World, pin, take
from programs_drivers import Collectd, SyslogNg
from relays import SecretSocket
from servers import wait_for
from submit import authenticated_as


class Programs(World):
    """Unmodified programs that have no switch for any of this."""

    def send(self, program, text: str, variables: dict[str, str]):
        with program(self.site.server.port, harness.build, variables) as daemon:
            self.assertEqual(daemon.loaded.parent, harness.build)
            daemon.send(text)
            try:
                return wait_for("delivered", lambda: take(self.site.server.inbox, program.recipients), 30)
            except TimeoutError as error:
                raise TimeoutError(f"{error}\n{daemon.log()}\n{self.trace()}") from None

    def test_collectd_with_a_token_from_a_socket(self) -> None:
        self.site.offer("XOAUTH2")
        socket = self.enterContext(SecretSocket(self.own / "token", f"{token()}\nexpires={int(time.time()) + 3600}\n"))
        variables = self.policy(
            self.relay(
                f'user = "{USER}"\nmechanisms = ["XOAUTH2"]\nsecret = {{ socket = "{socket.path}" }}\n' + self.ca()
            )
            + '[[rule]]\nprogram = "collectd"\nrelays = ["site"]\n'
        )
        mail = self.send(Collectd, "over OAuth", variables)
        self.assertIn(b"over OAuth", mail)
        self.assertEqual(authenticated_as(mail), USER)
        self.assertIn(b"with ESMTPSA", mail)
        self.assertIn(b"using TLSv1.3", mail)
        self.assertEqual(socket.connections, 1)
        log = self.site.server.log()
        self.assertRegex(log, rf"sasl_method=XOAUTH2, sasl_username={USER}")
        trace = self.trace()
        self.assertIn(f"octets from {socket.path}", trace)
        self.assertNotIn(token().split(".")[0], trace)

    def test_syslog_ng_through_a_pinned_relay(self) -> None:
        if reason := SyslogNg.refuse():
            self.skipTest(reason)
        variables = self.policy(
            self.relay(f'pin = ["{pin(self.certificates.good)}"]\n' + self.password())
            + '[[rule]]\nprogram = "/usr/sbin/syslog-ng"\nrelays = ["site"]\n'
        )
        mail = self.send(SyslogNg, "through a pinned relay", variables)
        self.assertIn(b"through a pinned relay", mail)
        self.assertEqual(authenticated_as(mail), USER)
        self.assertIn(b"with ESMTPSA", mail)

    def test_without_a_policy_the_server_refuses(self) -> None:
        for program in (Collectd, SyslogNg):
            with self.subTest(program.__name__):
                if program is SyslogNg and (reason := program.refuse()):
                    self.skipTest(reason)
                with program(self.site.server.port, harness.build) as daemon:
                    before = len(self.site.server.log())
                    daemon.send("nobody gets this")
                    # MAIL was tried once, and no such command succeeded.
                    wait_for("refused", lambda: "mail=0/1" in self.site.server.log()[before:], 30)
                    self.assertIsNone(take(self.site.server.inbox))


if __name__ == "__main__":
    harness.main(__doc__, World)
