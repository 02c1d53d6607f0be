#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A site policy for programs that know nothing of it: collectd, syslog-ng and one of our own, to
Postfix with Dovecot, which take mail over TLS and from those who authenticate only.

    tests/real/policy.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import argparse
import base64
import collections
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from accounts import PASSWORD, USER, token
from certificates import Certificates
from programs_drivers import Collectd, SyslogNg
from relays import Microsocks, Relay, SecretSocket, Threads, Tinyproxy, loopback
from servers import find, wait_for
from sites import PostfixWithDovecot
from submit import Submit, authenticated_as, delivered_as_sent

build = Path(__file__).resolve().parents[2] / "build"


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
        cls.submit = Submit(cls.folder, build)
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


class Programs(World):
    """Unmodified programs that have no switch for any of this."""

    def send(self, program, text: str, variables: dict[str, str]):
        with program(self.site.server.port, build, variables) as daemon:
            self.assertEqual(daemon.loaded.parent, build)
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
            with self.subTest(program.__name__), program(self.site.server.port, build) as daemon:
                before = len(self.site.server.log())
                daemon.send("nobody gets this")
                # MAIL was tried once, and no such command succeeded.
                wait_for("refused", lambda: "mail=0/1" in self.site.server.log()[before:], 30)
                self.assertIsNone(take(self.site.server.inbox))


class Keys(World):
    """What a relay's keys do, with the program of our own. It sets a server that does not exist."""

    def test_password_from_a_file(self) -> None:
        variables = self.policy(self.relay(self.ca() + self.password()) + self.everything())
        self.assert_delivered(self.run_submit(variables))

    def test_password_from_a_credential(self) -> None:
        self.write("mail", PASSWORD)
        keys = f'user = "{USER}"\nsecret = {{ credential = "mail" }}\nmechanisms = ["PLAIN"]\n'
        variables = self.policy(self.relay(self.ca() + keys) + self.everything())
        outcome = self.run_submit(variables | {"CREDENTIALS_DIRECTORY": str(self.own)})
        self.assert_delivered(outcome)
        self.assertEqual(outcome.tried, ["PLAIN"])

    def test_the_programs_credentials_over_our_tls(self) -> None:
        variables = self.policy(self.relay(self.ca()) + self.everything())
        outcome = self.run_submit(variables, "-P", "-u", USER, "-p", PASSWORD)
        self.assert_delivered(outcome)

    def test_the_other_half_of_the_credentials(self) -> None:
        file = self.write("password", PASSWORD)
        for keys, options in [
            (f'user = "{USER}"\n', ("-P", "-u", "nobody", "-p", PASSWORD)),
            (f'secret = {{ file = "{file}" }}\n', ("-P", "-u", USER, "-p", "wrong")),
        ]:
            for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256"):
                with self.subTest(keys=keys, mechanism=mechanism):
                    this = keys + f'mechanisms = ["{mechanism}"]\n'
                    variables = self.policy(self.relay(self.ca() + this) + self.everything())
                    outcome = self.run_submit(variables, *options)
                    self.assert_delivered(outcome)
                    self.assertEqual(outcome.tried, [mechanism])

    def test_client_certificate(self) -> None:
        both = self.certificates.client("bob").read_text()
        key, certificate = both.split("-----END PRIVATE KEY-----\n")
        cert = self.write("cert.pem", certificate, 0o644)
        key = self.write("cert.key", key + "-----END PRIVATE KEY-----\n")
        keys = f'certificate = {{ file = "{cert}", key = "{key}" }}\n'
        variables = self.policy(self.relay(self.ca() + keys + self.password()) + self.everything())
        mail = self.assert_delivered(self.run_submit(variables))
        self.assertIn(b'(Client CN "bob", Issuer "Test CA" (verified OK))', mail)

    def test_private_authorities_by_folder(self) -> None:
        folder = self.own / "ca"
        folder.mkdir(mode=0o755)
        shutil.copy(self.certificates.ca, folder / "ca.pem")
        subprocess.run([find("openssl"), "rehash", folder], check=True, timeout=30)
        variables = self.policy(self.relay(f'ca-dir = "{folder}"\n' + self.password()) + self.everything())
        self.assert_delivered(self.run_submit(variables))

    def test_pin_instead_of_authority_name_and_dates(self) -> None:
        for certificate in ("expired", "self_signed", "wrong_name"):
            with self.subTest(certificate):
                file = getattr(self.certificates, certificate)
                self.site.use(file)
                variables = self.policy(self.relay(f'pin = ["{pin(file)}"]\n' + self.password()) + self.everything())
                outcome = self.run_submit(variables)
                self.assert_delivered(outcome)
                self.assertFalse([event for event in outcome.events if "CERTIFICATE" in event])
        self.site.use(self.certificates.good)
        outcome = self.run_submit(variables, "-a")
        self.assert_not_sent(outcome)
        self.assertIn(f"the key of the server is {pin(self.certificates.good)}", self.trace())
        self.assertEqual(outcome.tried, [])

    def test_name_and_version(self) -> None:
        self.site.use(self.certificates.wrong_name)
        keys = self.ca() + self.password() + 'tls-name = "other.example"\ntls-min = "1.3"\n'
        variables = self.policy(self.relay(keys) + self.everything())
        self.assert_delivered(self.run_submit(variables))
        self.site.server.configure(smtpd_tls_mandatory_protocols="<=TLSv1.2")
        self.addCleanup(self.site.server.configure, smtpd_tls_mandatory_protocols=">=TLSv1")
        self.assert_not_sent(self.run_submit(variables))

    def test_name_for_ehlo_source_and_ignored_extensions(self) -> None:
        keys = 'hello = "web1.example.org"\nsource = "127.0.0.9"\nignore = ["pipelining", "SIZE"]\n'
        variables = self.policy(self.relay(self.ca() + self.password() + keys) + self.everything())
        mail = self.assert_delivered(self.run_submit(variables))
        self.assertRegex(mail, rb"from web1\.example\.org \([^)]*\[127\.0\.0\.9\]\)")
        trace = self.trace()
        self.assertRegex(trace, r"C: MAIL FROM:<[^>]*>\n")
        # Each command waits for the reply to the one before.
        self.assertRegex(trace, r"C: MAIL .*\n.*S: 250 .*\n.*C: RCPT .*\n.*S: 250 .*\n.*C: DATA")

    def test_a_token_that_is_refused_is_fetched_afresh_once(self) -> None:
        self.site.offer("XOAUTH2")
        stale, later = token(key=b"another key"), int(time.time()) + 3600
        good = f"{token()}\nexpires={later}\n"
        for answers, sent, asked in [
            ((f"{stale}\nexpires={later}\n", good), True, 2),
            ((f"{stale}\n", f"{stale}x\n", good), False, 2),
        ]:
            with self.subTest(sent=sent), SecretSocket(self.own / f"token{sent}", *answers) as socket:
                keys = f'user = "{USER}"\nmechanisms = ["XOAUTH2"]\nsecret = {{ socket = "{socket.path}" }}\n'
                variables = self.policy(self.relay(self.ca() + keys) + self.everything())
                outcome = self.run_submit(variables)
                if sent:
                    self.assert_delivered(outcome)
                else:
                    self.assert_not_sent(outcome)
                    self.assertNotIn("C: MAIL", self.trace().rpartition("policy: ")[2])
                self.assertEqual(outcome.tried, ["XOAUTH2", "XOAUTH2"], outcome)
                self.assertEqual(socket.connections, asked)

    def test_wrong_password_from_a_file(self) -> None:
        file = self.write("wrong", "wrong")
        keys = f'user = "{USER}"\nsecret = {{ file = "{file}" }}\nmechanisms = ["PLAIN"]\n'
        variables = self.policy(self.relay(self.ca() + keys) + self.everything())
        outcome = self.run_submit(variables)
        self.assert_not_sent(outcome)
        self.assertEqual(outcome.tried, ["PLAIN"])
        self.assertNotIn("C: MAIL", self.trace())

    def test_auth_that_is_required_and_not_offered(self) -> None:
        self.site.offer("CRAM-MD5")
        keys = self.password() + 'mechanisms = ["PLAIN"]\n'
        variables = self.policy(self.relay(self.ca() + keys) + self.everything())
        self.assert_not_sent(self.run_submit(variables))
        self.assertNotIn("C: MAIL", self.trace())
        variables = self.policy(self.relay(self.ca() + keys + 'auth = "optional"\n') + self.everything())
        self.assert_not_sent(self.run_submit(variables))
        self.assertIn("C: MAIL", self.trace())


class Proxies(World):
    """TLS goes from end to end through them, and they look the names up."""

    def keys(self) -> str:
        return self.ca() + self.password()

    def test_socks(self) -> None:
        proxy = self.enterContext(Microsocks())
        keys = self.keys() + f'proxy = "socks5h://127.0.0.1:{proxy.port}"\n'
        variables = self.policy(self.relay(keys) + self.everything())
        self.assert_delivered(self.run_submit(variables))
        self.assertIn(f"localhost:{self.site.server.port}", proxy.log())

    def test_socks_with_a_password(self) -> None:
        proxy = self.enterContext(Microsocks("-u", "me", "-P", "key"))
        for password, sent in (("key", True), ("wrong", False)):
            secret = self.write("proxy", password)
            keys = self.keys() + (
                f'proxy = "socks5h://me@127.0.0.1:{proxy.port}"\nproxy-secret = {{ file = "{secret}" }}\n'
            )
            outcome = self.run_submit(self.policy(self.relay(keys) + self.everything()))
            if sent:
                self.assert_delivered(outcome)
            else:
                self.assert_not_sent(outcome)

    def test_http(self) -> None:
        proxy = self.enterContext(Tinyproxy("me", "key"))
        secret = self.write("proxy", "key")
        keys = self.keys() + (f'proxy = "http://me@127.0.0.1:{proxy.port}"\nproxy-secret = {{ file = "{secret}" }}\n')
        variables = self.policy(self.relay(keys) + self.everything())
        self.assert_delivered(self.run_submit(variables))
        self.assertIn(f"CONNECT localhost:{self.site.server.port}", proxy.log())

    def test_a_proxy_that_does_not_connect_is_passed_over(self) -> None:
        proxy = self.enterContext(Microsocks())
        with loopback() as closed:
            port = closed.getsockname()[1]
        text = f'[relay.first]\nserver = "localhost:{port}"\nproxy = "socks5h://127.0.0.1:{proxy.port}"\n'
        variables = self.policy(text + self.relay(self.keys()) + self.everything("first", "site"))
        self.assert_delivered(self.run_submit(variables))


class Certificate(World):
    """A program that accepts everything does not make a certificate good."""

    def faults(self):
        return {
            "expired": ("certificate has expired", "the certificate has expired"),
            "not_yet_valid": ("certificate is not yet valid",),
            "self_signed": ("self-signed certificate", "self signed certificate"),
            "wrong_name": ("certificate is for other.example, not localhost",),
        }

    def test_the_verdict_is_ours(self) -> None:
        for certificate, words in self.faults().items():
            for mode in ("strict", "program"):
                with self.subTest(certificate, verify=mode):
                    self.site.use(getattr(self.certificates, certificate))
                    (self.own / "trace").unlink(missing_ok=True)
                    keys = self.ca() + self.password() + f'verify = "{mode}"\n'
                    variables = self.policy(self.relay(keys) + self.everything())
                    outcome = self.run_submit(variables, "-a")
                    told = [event for event in outcome.events if "CERTIFICATE" in event]
                    self.assertEqual(len(told), 1, outcome)
                    if mode == "program":
                        self.assert_delivered(outcome)
                        self.assert_not_sent(self.run_submit(variables))
                        continue
                    self.assert_not_sent(outcome)
                    self.assertEqual(outcome.tried, [])
                    trace = self.trace()
                    self.assertIn("would accept the certificate; the policy does not", trace)
                    self.assertTrue(any(word in trace for word in words), trace)

    def test_an_unknown_authority(self) -> None:
        variables = self.policy(self.relay(self.password()) + self.everything())
        self.submit.trust(self.certificates.self_signed)
        self.assert_not_sent(self.run_submit(variables, "-a"))
        # The user's list counts where the policy names none.
        self.submit.trust(self.certificates.ca)
        self.assert_delivered(self.run_submit(variables))


class OwnContext(World):
    """A program's own SSL_CTX that calls everything good, and the library's user list beside it."""

    def send(self, variables: dict[str, str]) -> subprocess.CompletedProcess:
        program = self.folder / "own_context"
        if not program.exists():
            source = Path(__file__).with_name("own_context.c")
            include = Path(__file__).resolve().parents[2] / "include"
            warnings = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
            libraries = [f"-L{build}", "-l:libesmtp.so.6", "-lssl", "-lcrypto"]
            command = [find("cc"), *warnings, f"-I{include}", "-o", program, source, *libraries]
            subprocess.run(command, check=True, timeout=60)
        environment = self.submit.environment(True) | variables
        return subprocess.run(
            [program, "mail.invalid"],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )

    def test_what_openssl_is_told_to_accept(self) -> None:
        for certificate, sent in (("good", True), ("expired", False), ("self_signed", False), ("wrong_name", False)):
            for mode in ("strict", "program"):
                with self.subTest(certificate, verify=mode):
                    self.site.use(getattr(self.certificates, certificate))
                    keys = self.ca() + self.password() + f'verify = "{mode}"\ntls-min = "1.3"\n'
                    done = self.send(self.policy(self.relay(keys) + self.everything()))
                    good = sent or mode == "program"
                    self.assertEqual(done.returncode, 0 if good else 1, f"{done}\n{self.trace()}")
                    self.assertIn("min 0\n", done.stdout)
                    if good:
                        self.site.mail()
                    else:
                        self.assertIn("not sent: Client error: ", done.stdout)

    def test_without_authorities_of_the_policys_its_own_count(self) -> None:
        """It has none."""
        done = self.send(self.policy(self.relay(self.password()) + self.everything()))
        self.assertEqual(done.returncode, 1, done)

    def test_a_pin(self) -> None:
        self.site.use(self.certificates.self_signed)
        for certificate, sent in (("self_signed", True), ("good", False)):
            keys = f'pin = ["{pin(getattr(self.certificates, certificate))}"]\n' + self.password()
            done = self.send(self.policy(self.relay(keys) + self.everything()))
            self.assertEqual(done.returncode, 0 if sent else 1, done)
            if sent:
                self.site.mail()


class Counter(Threads):
    """Counts who comes."""

    def __init__(self) -> None:
        super().__init__(loopback())
        self.port = self.listener.getsockname()[1]

    def serve(self, client, number: int) -> None:
        pass


class NothingGoesOut(World):
    """Whatever is wrong with a policy: nobody hears of the mail."""

    with_site = False

    def setUp(self) -> None:
        super().setUp()
        self.counter = self.enterContext(Counter())

    def assert_silent(self, variables: dict[str, str], *options: str) -> None:
        outcome = self.run_submit(variables, *options, server=f"127.0.0.1:{self.counter.port}")
        self.assert_not_sent(outcome)
        self.assertTrue(any(line.startswith("result 0 ") for line in outcome.lines), outcome)
        self.assertEqual(outcome.events, [], outcome)
        self.assertEqual(self.counter.connections, 0)

    def relay(self, keys: str, name: str = "site") -> str:
        return f'[relay.{name}]\nserver = "127.0.0.1:{self.counter.port}"\n{keys}\n'

    def test_the_file(self) -> None:
        good = self.relay("") + self.everything()
        for text in [
            "usr = 1",
            "[relay",
            "[[rule]]\nrelays = []\n",
            "[[rule]]\n",
            'x = "\udcff"'.encode("utf-8", "surrogateescape").decode("latin-1"),
        ]:
            with self.subTest(text):
                self.assert_silent(self.policy(text + "\n" + good))
        self.assert_silent(self.policy('[[rule]]\nrelays = ["none"]\n'))
        self.assert_silent(self.policy("#" * 70000))
        file = self.own / "policy.toml"
        file.write_text("version = 2\n")
        variables = {"LIBESMTP_POLICY": str(file)}
        self.assert_silent(variables)
        self.policy(good)
        for mode in (0o666, 0o664):
            file.chmod(mode)
            self.assert_silent(variables)
        file.chmod(0o644)
        self.own.chmod(0o777)
        self.assert_silent(variables)
        self.own.chmod(0o755)
        os.chown(file, 12345, -1)
        self.assert_silent(variables)
        self.assert_silent({"LIBESMTP_POLICY": str(self.own / "none")})
        self.assert_silent({"LIBESMTP_POLICY": "policy.toml"})
        self.assert_silent({"LIBESMTP_POLICY": str(self.own)})

    def test_the_systems_log_is_told(self) -> None:
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        for text, words in [
            ("usr = 1\n", "policy.toml:2:1: unknown key ..usr"),
            (self.relay('ca-file = "/none"') + self.everything(), "relay site of .* cannot be used: /none: No such"),
        ]:
            log = self.own / "strace"
            command = ["strace", "-s", "400", "-e", "trace=sendto", "-o", log, self.submit.program]
            command += ["-f", "a@example.net", f"127.0.0.1:{self.counter.port}", self.submit.mail, "b@example.org"]
            environment = self.submit.environment(True) | self.policy(text)
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
            told = [line for line in log.read_text().splitlines() if '"/dev/log"' in line]
            self.assertEqual(len(told), 1, log.read_text())
            self.assertRegex(told[0], rf"<19>libesmtp\[\d+\]: .*{words}")

    def test_a_rule_that_refuses(self) -> None:
        variables = self.policy('[[rule]]\nserver = "127.0.0.1"\nrefuse = "use mail.corp.example"\n')
        self.assert_silent(variables)
        self.assertIn("refuses: use mail.corp.example", self.trace())

    def test_tls_that_the_program_demands_and_the_policy_switches_off(self) -> None:
        variables = self.policy(self.relay('tls = "off"') + self.everything())
        self.assert_silent(variables, "-t", "must")

    def test_what_a_relay_needs(self) -> None:
        open_file = self.write("open", "secret", 0o644)
        shared = self.write("shared", "secret", 0o660)
        empty = self.write("empty", "")
        writable = self.write("ca.pem", self.certificates.ca.read_text(), 0o666)
        certificate = self.write("cert.pem", self.certificates.client("bob").read_text())
        other = self.write("other.key", self.certificates.client("eve").read_text())
        none = self.own / "none"
        user = 'user = "alice"\n'
        for keys in [
            user + f'secret = {{ file = "{none}" }}',
            user + f'secret = {{ file = "{open_file}" }}',
            user + f'secret = {{ file = "{shared}" }}',
            user + f'secret = {{ file = "{empty}" }}',
            user + f'secret = {{ file = "{self.own}" }}',
            user + 'secret = { credential = "none" }',
            user + f'secret = {{ socket = "{none}" }}',
            user + f'secret = {{ socket = "{empty}" }}',
            f'ca-file = "{none}"',
            f'ca-file = "{empty}"',
            f'ca-file = "{writable}"',
            f'ca-dir = "{none}"',
            f'ca-dir = "{certificate}"',
            f'certificate = {{ file = "{certificate}", key = "{none}" }}',
            f'certificate = {{ file = "{certificate}", key = "{open_file}" }}',
            f'certificate = {{ file = "{none}", key = "{certificate}" }}',
            f'proxy = "http://me@127.0.0.1:{self.counter.port}"\nproxy-secret = {{ file = "{none}" }}',
        ]:
            with self.subTest(keys):
                self.assert_silent(self.policy(self.relay(keys) + self.everything()))
                self.assertIn("cannot be used: ", self.trace())
        keys = f'certificate = {{ file = "{self.certificates.ca}", key = "{other}" }}'
        self.assert_silent(self.policy(self.relay(keys) + self.everything()))

    def test_a_file_that_is_cut(self) -> None:
        """Within a line; cut at the end of one it may be a shorter policy."""
        text = self.relay('tls = "starttls"\nhello = "web1.example.org"') + self.everything()
        lines = ("version = 1\n" + text).splitlines(keepends=True)
        file = self.own / "policy.toml"
        count = 0
        for at, line in enumerate(lines):
            for end in range(1, len(line) - 1):
                if not line[:end].strip() or line[: end + 1] == line:
                    continue
                file.write_text("".join(lines[:at]) + line[:end])
                file.chmod(0o644)
                outcome = self.run_submit({"LIBESMTP_POLICY": str(file)}, server="127.0.0.1:1")
                self.assert_not_sent(outcome)
                self.assertEqual(self.counter.connections, 0, file.read_text())
                self.assertEqual(outcome.events, [], file.read_text())
                count += 1
        self.assertGreater(count, 100)

    def test_no_password_in_clear_to_another_host(self) -> None:
        secret = self.write("secret", PASSWORD)
        # Behind a proxy nobody is this host.
        relay = self.enterContext(Relay())
        relay.replies = relay.replies | {"EHLO": b"250-relay.example\r\n250 AUTH PLAIN CRAM-MD5\r\n"}
        proxy = self.enterContext(Microsocks())
        keys = f'user = "{USER}"\nsecret = {{ file = "{secret}" }}\ntls = "off"\n'
        for behind in ("", f'proxy = "socks5h://127.0.0.1:{proxy.port}"\n'):
            text = f'[relay.site]\nserver = "127.0.0.1:{relay.port}"\n{keys}{behind}' + self.everything()
            relay.verbs.clear()
            outcome = self.run_submit(self.policy(text))
            self.assertEqual(relay.verbs.count("AUTH"), 0 if behind else 1, relay.verbs)
            self.assertEqual(outcome.sent, not behind, outcome)


class FailOver(World):
    """The next relay, as long as the first has heard nothing of a mail."""

    with_site = False

    def send(self, first: Relay, second: Relay, *options: str):
        text = "".join(
            f'[relay.{name}]\nserver = "127.0.0.1:{relay.port}"\ntls = "off"\ntimeout.reply = "20s"\n'
            for name, relay in (("first", first), ("second", second))
        )
        return self.run_submit(self.policy(text + self.everything("first", "second")), *options)

    def whole(self) -> int:
        with Relay() as first, Relay() as second:
            self.assertTrue(self.send(first, second).sent)
            self.assertEqual((first.accepted, second.connections), (1, 0))
            return first.said

    def test_a_cut_at_every_octet(self) -> None:
        for cut in range(self.whole()):
            with Relay(cut) as first, Relay() as second:
                outcome = self.send(first, second)
            self.assertLessEqual(first.accepted + second.accepted, 1, cut)
            if "MAIL" in first.verbs:
                self.assertEqual(second.connections, 0, (cut, first.verbs))
            else:
                self.assertTrue(outcome.sent, (cut, outcome))
                self.assertEqual(second.accepted, 1, cut)

    def test_what_leads_to_the_next(self) -> None:
        busy = {"EHLO": b"421 4.3.2 busy\r\n"}
        no_tls = {}
        for replies, keys in [
            (busy, ""),
            ({"EHLO": b"550 go away\r\n", "HELO": b"550 go away\r\n"}, ""),
            (no_tls, 'tls = "starttls"'),
            (no_tls, 'auth = "required"'),
            ({"EHLO": b"250-relay.example\r\n250 STARTTLS\r\n", "STARTTLS": b"454 not now\r\n"}, 'tls = "starttls"'),
        ]:
            with self.subTest(keys=keys, replies=replies), Relay() as first, Relay() as second:
                first.replies = first.replies | replies
                text = (
                    f'[relay.first]\nserver = "127.0.0.1:{first.port}"\n{keys}\n'
                    f'[relay.second]\nserver = "127.0.0.1:{second.port}"\n'
                )
                outcome = self.run_submit(self.policy(text + self.everything("first", "second")))
                self.assertTrue(outcome.sent, outcome)
                self.assertEqual((first.accepted, second.accepted), (0, 1))
                self.assertNotIn("MAIL", first.verbs)
                self.assertIn("the next relay, for ", self.trace())

    def test_no_address_no_listener_and_a_secret_that_is_missing(self) -> None:
        with loopback() as closed:
            port = closed.getsockname()[1]
        with Relay() as last:
            text = (
                '[relay.none]\nserver = "none.invalid"\n'
                f'[relay.closed]\nserver = "127.0.0.1:{port}"\n'
                f'[relay.poor]\nserver = "127.0.0.1:{last.port}"\nsecret = {{ file = "/none" }}\n'
                f'[relay.last]\nserver = "127.0.0.1:{last.port}"\n'
            )
            rule = self.everything("none", "closed", "poor", "last")
            outcome = self.run_submit(self.policy(text + rule))
            self.assertTrue(outcome.sent, outcome)
            self.assertEqual((last.connections, last.accepted), (1, 1))


class Rights(World):
    """Who has more rights than its user listens to the system's policy alone."""

    with_site = False

    def test_variables_and_user_files(self) -> None:
        relay = self.enterContext(Relay())
        refusing = 'version = 1\n[[rule]]\nrefuse = "the user says no"\n'
        settings = self.own / "home/.config/libesmtp"
        settings.mkdir(parents=True, mode=0o755)
        (settings / "policy.toml").write_text(refusing)
        (settings / "policy.toml").chmod(0o644)
        self.own.chmod(0o755)
        variables = {"HOME": str(self.own / "home"), "XDG_CONFIG_HOME": ""}
        here = f"127.0.0.1:{relay.port}"
        library = self.own / "lib"
        library.mkdir(mode=0o755)
        shutil.copy(build / "libesmtp.so.6", library)
        (library / "libesmtp.so.6").chmod(0o644)
        program = self.own / "submit"
        shutil.copy(self.submit.program, program)
        mail = self.own / "mail"
        shutil.copy(self.submit.mail, mail)
        mail.chmod(0o644)

        def send(*prefix: str, **more: str) -> int:
            command = [*prefix, program, "-f", "a@example.net", here, mail, "b@example.org"]
            environment = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(library)} | variables | more
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
            return done.returncode

        os.chown(settings / "policy.toml", 0, 0)
        # uid 0 with a user's HOME: it goes out.
        self.assertEqual(send(), 0)
        as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        # A user's own process obeys.
        self.assertEqual(send(*as_nobody), 1)
        self.assertEqual(send(*as_nobody, LIBESMTP_POLICY="none"), 0)
        self.assertEqual(relay.connections, 2)
        # Rights from the file: the library must be where the system looks, as LD_LIBRARY_PATH is
        # not believed then.
        self.assertEqual(
            subprocess.run([find("patchelf"), "--set-rpath", library, program]).returncode
            if shutil.which("patchelf")
            else self.link_with_path(program, library),
            0,
        )
        for change in (lambda: program.chmod(0o4755), lambda: program.chmod(0o2755)):
            os.chown(program, 1, 1)
            change()
            self.assertEqual(send(*as_nobody), 0)
            self.assertEqual(send(*as_nobody, LIBESMTP_POLICY="/none"), 0)
        os.chown(program, 0, 0)
        program.chmod(0o755)
        if shutil.which("setcap", path="/usr/sbin:/sbin:/usr/bin"):
            subprocess.run(["/usr/sbin/setcap", "cap_net_bind_service+ep", program], check=True)
            self.assertEqual(send(*as_nobody), 0)
            self.assertEqual(send(*as_nobody, LIBESMTP_POLICY="/none"), 0)

    def link_with_path(self, program: Path, library: Path) -> int:
        source = Path(__file__).with_name("submit.c")
        options = ["-lesmtp", "-lssl", "-lcrypto", f"-Wl,--disable-new-dtags,-rpath,{library}"]
        return subprocess.run([find("cc"), "-o", program, source, *options], timeout=60).returncode


class Hosts(World):
    """Odd places to send from. Nothing is run for a secret, so nothing of this matters to it."""

    with_site = False

    def set_up_relay(self) -> tuple[Relay, dict[str, str]]:
        relay = self.enterContext(Relay())
        relay.replies = relay.replies | {"EHLO": b"250-relay.example\r\n250 AUTH PLAIN\r\n", "AUTH": b"235 ok\r\n"}
        socket = self.enterContext(SecretSocket(self.own / "token", f"{PASSWORD}\n"))
        variables = self.policy(
            f'[relay.site]\nserver = "127.0.0.1:{relay.port}"\nuser = "{USER}"\n'
            f'secret = {{ socket = "{socket.path}" }}\n[[rule]]\nprogram = "submit"\nrelays = ["site"]\n'
        )
        return relay, variables

    def send(self, *prefix: str) -> None:
        relay, variables = self.set_up_relay()
        command = [
            *prefix,
            self.submit.program,
            "-f",
            "a@example.net",
            "mail.invalid",
            self.submit.mail,
            "b@example.org",
        ]
        environment = self.submit.environment(True) | variables
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 0, f"{done}\n{self.trace()}")
        self.assertEqual((relay.accepted, relay.verbs.count("AUTH")), (1, 1))

    def test_children_are_ignored(self) -> None:
        self.send("env", "--ignore-signal=CHLD")

    def test_the_first_process(self) -> None:
        self.send("unshare", "--pid", "--fork", "--mount-proc")

    def test_without_proc(self) -> None:
        self.send("unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh")

    def test_without_standard_descriptors(self) -> None:
        self.send("sh", "-c", 'exec 0<&- 1>&- 2>&- && exec "$@"', "sh")

    def test_no_process_is_made(self) -> None:
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        log = self.own / "strace"
        self.send("strace", "-f", "-e", "trace=process", "-o", str(log))
        calls = log.read_text().splitlines()
        self.assertEqual(len([call for call in calls if " execve(" in call]), 1)
        made = [call for call in calls if re.search(r" v?fork\(| clone3?\(", call)]
        self.assertEqual([call for call in made if "CLONE_THREAD" not in call], [])


class Tool(World):
    """esmtp-policy finds what a session would find, and says what a session does."""

    with_site = False
    program = Path(__file__).resolve().parents[2] / "target/debug/esmtp-policy"

    def tool(self, *arguments) -> subprocess.CompletedProcess:
        if not self.program.exists():
            self.skipTest("esmtp-policy is not built (cargo build -p esmtp-policy)")
        return subprocess.run(
            [self.program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30
        )

    def test_usage(self) -> None:
        for arguments in [(), ("frob",), ("check", "--all"), ("check", "a", "b"), ("explain", "--program", "a")]:
            done = self.tool(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("usage: esmtp-policy", done.stderr)
        self.assertEqual(self.tool("--help").returncode, 0)

    def test_check_and_a_session_agree(self) -> None:
        relay = self.enterContext(Relay())
        secret = self.write("secret", PASSWORD)
        open_file = self.write("open", PASSWORD, 0o644)
        ca = self.own / "ca.pem"
        shutil.copy(self.certificates.ca, ca)
        ca.chmod(0o644)
        none = self.own / "none"
        here = f'[relay.site]\nserver = "127.0.0.1:{relay.port}"\n'
        cases = [
            ("", True, ""),
            ('tls = "off"\n', True, ""),
            ("usr = 1\n", False, 'policy.toml:4:1: unknown key "usr"'),
            (f'ca-file = "{ca}"\n', True, ""),
            (f'ca-file = "{none}"\n', False, "none: No such file or directory"),
            (f'ca-file = "{secret}"\n', False, "secret: no certificate in it"),
            (f'secret = {{ file = "{open_file}" }}\nauth = "optional"\n', False, "open: may be read by others"),
            (f'secret = {{ file = "{secret}" }}\nauth = "optional"\n', True, ""),
            (f'secret = {{ socket = "{none}" }}\nauth = "optional"\n', False, "none: No such file or directory"),
            (f'certificate = {{ file = "{ca}", key = "{secret}" }}\n', False, "ca.pem: its key cannot be used"),
        ]
        for keys, good, words in cases:
            with self.subTest(keys):
                variables = self.policy(here + keys + self.everything())
                file = self.own / "policy.toml"
                done = self.tool("check", file)
                self.assertEqual(done.returncode, 0 if good else 1, done)
                self.assertIn(words, done.stdout)
                self.assertNotIn(PASSWORD, done.stdout)
                outcome = self.run_submit(variables)
                self.assertEqual(outcome.sent, good, outcome)

    def test_warnings(self) -> None:
        self.policy(
            '[relay.far]\nserver = "mail.example"\ntls = "off"\n[relay.near]\nserver = "localhost"\ntls = "off"\n'
        )
        done = self.tool("check", self.own / "policy.toml")
        self.assertEqual(done.returncode, 0)
        clear = [line for line in done.stdout.splitlines() if "in clear" in line]
        self.assertEqual(len(clear), 1, done.stdout)
        self.assertIn("relay far: mail goes in clear beyond this host", clear[0])
        self.assertEqual(done.stdout.count("no rule leads to it"), 2)

    def test_explain_and_a_session_agree(self) -> None:
        variables = self.policy(
            '[[rule]]\nserver = "*.example.org:25"\nrefuse = "one"\n'
            '[[rule]]\nserver = "mail.example.org"\nrefuse = "two"\n'
            '[[rule]]\nprogram = "submit"\nserver = "*:2525"\nfrom = "@example.net"\nrefuse = "three"\n'
            f'[[rule]]\nprogram = "{self.submit.program}"\nserver = "[::1]"\nrefuse = "four"\n'
            '[[rule]]\nserver = "*:submissions"\nuser = "root"\nrefuse = "five"\n'
            '[[rule]]\nserver = "b\u00fccher.example"\nrefuse = "six"\n'
            '[[rule]]\nfrom = "<>"\nrefuse = "seven"\n'
            '[[rule]]\nrefuse = "eight"\n'
        )
        file = self.own / "policy.toml"
        seen = set()
        for server in [
            "mail.example.org:25",
            "a.b.EXAMPLE.org.:smtp",
            "example.org:25",
            "Mail.Example.Org",
            "mail.example.org:99",
            "other.example:2525",
            "[::1]:25",
            "::1",
            "[0:0:0:0:0:0:0:1]",
            "smtps://other.example",
            "other.example:465",
            "other.example:smtps",
            "B\u00dcCHER.example",
            "xn--bcher-kva.example:2",
            "other.example",
            "other.example:none",
            "smtp://mail.example.org/",
            "127.0.0.1:2525",
        ]:
            for sender in ("sender@example.net", "<>", "sender@example.com"):
                with self.subTest(server=server, sender=sender):
                    (self.own / "trace").unlink(missing_ok=True)
                    path = "" if sender == "<>" else sender
                    subprocess.run(
                        [self.submit.program, "-f", path, server, self.submit.mail, "b@example.org"],
                        env=self.submit.environment(True) | variables,
                        stdin=subprocess.DEVNULL,
                        capture_output=True,
                        timeout=30,
                    )
                    found = re.search(r"refuses: (\w+)", self.trace())
                    done = self.tool(
                        "explain", "--program", self.submit.program, "--server", server, "--from", sender, file
                    )
                    self.assertEqual(done.returncode, 0, done)
                    self.assertIn(f"refused: {found[1]}\n", done.stdout)
                    seen.add(found[1])
        self.assertEqual(len(seen), 8, seen)

    def test_explain_says_where_each_value_comes_from(self) -> None:
        self.policy(
            '[defaults]\ntls = "starttls"\ntimeout.reply = "5s"\n'
            '[relay.a]\nserver = "a.example"\nhello = "b.example"\n[[rule]]\nrelays = ["a"]\n'
        )
        done = self.tool("explain", "--program", "x", "--server", "y", self.own / "policy.toml")
        self.assertRegex(done.stdout, r'\n  server +"a.example"  \(line 6\)\n')
        self.assertRegex(done.stdout, r'\n  tls +"starttls"  \(line 3, default\)\n')
        self.assertRegex(done.stdout, r'\n  timeout.reply +"5s"  \(line 4, default\)\n')
        self.assertRegex(done.stdout, r"\n  verify +-  \(strict\)\n")


class Probe(World):
    """esmtp-policy tries a relay without a mail."""

    def probe(self, keys: str) -> subprocess.CompletedProcess:
        if not Tool.program.exists():
            self.skipTest("esmtp-policy is not built (cargo build -p esmtp-policy)")
        self.policy(self.relay(keys) + self.everything())
        command = [Tool.program, "probe", "site", self.own / "policy.toml"]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)

    def test_a_good_relay(self) -> None:
        done = self.probe(self.ca() + self.password())
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("TLS: TLSv1.3 with ", done.stdout)
        self.assertIn("certificate: CN=localhost\n  issuer CN=Test CA\n  names localhost, 127.0.0.1\n", done.stdout)
        self.assertIn(f'pin = ["{pin(self.certificates.good)}"]', done.stdout)
        self.assertIn("authenticated with SCRAM-SHA-256", done.stdout)
        self.assertRegex(done.stdout, "mechanisms: .*PLAIN")
        self.assertRegex(done.stdout, "extensions: .*PIPELINING")
        self.assertNotIn(PASSWORD, done.stdout)
        self.assertIsNone(take(self.site.server.inbox))

    def test_what_is_wrong(self) -> None:
        wrong = self.write("wrong", "wrong")
        for keys, words in [
            (self.password(), "self-signed certificate in certificate chain"),
            (self.ca() + f'user = "{USER}"\nsecret = {{ file = "{wrong}" }}\n', "AUTH failed: 535 "),
            (self.ca() + 'mechanisms = ["X-NONE"]\n', "AUTH failed: no mechanism can be used"),
            ('ca-file = "/none"\n', "none: No such file or directory"),
        ]:
            with self.subTest(keys):
                done = self.probe(keys)
                self.assertEqual(done.returncode, 1, done)
                self.assertIn(words, done.stdout)


class WithoutAFile(World):
    """It costs two opens that fail."""

    with_site = False

    def calls(self, variables: dict[str, str]) -> list[str]:
        with Relay() as relay:
            log = self.own / "strace"
            command = ["strace", "-f", "-o", log, self.submit.program, "-f", "a@example.net"]
            command += [f"127.0.0.1:{relay.port}", self.submit.mail, "b@example.org"]
            environment = self.submit.environment(True) | variables
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            self.assertEqual(relay.accepted, 1)
        lines = log.read_text().splitlines()
        return [re.sub(r"^\d+ +", "", line) for line in lines]

    def test_counted(self) -> None:
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        if Path("/etc/libesmtp/policy.toml").exists():
            self.skipTest("this machine has a policy")
        variables = {"XDG_CONFIG_HOME": ""}
        without = self.calls(variables | {"LIBESMTP_POLICY": "none"})
        with_look = self.calls(variables)
        opens = [line for line in with_look if "policy.toml" in line]
        self.assertEqual(len(opens), 2, opens)
        for line in opens:
            self.assertRegex(line, r"^openat\(.*O_NOFOLLOW.*\) = -1 ENOENT")
        # How often it waits for the server is a matter of chance.
        waiting = {"poll", "ppoll", "recvfrom", "recv", "read", "futex", "restart_syscall"}

        def others(lines: list[str]) -> collections.Counter:
            calls = (line.split("(")[0] for line in lines if "policy.toml" not in line)
            return collections.Counter(call for call in calls if call not in waiting)

        self.assertEqual(others(with_look), others(without))


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


def stop_servers(*_) -> None:
    """unittest does not, when it is ended from outside."""
    for case in World.__subclasses__():
        case.doClassCleanups()
    sys.exit(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=Path, default=build)
    arguments, others = parser.parse_known_args()
    build = arguments.build.resolve()
    signal.signal(signal.SIGTERM, stop_servers)
    unittest.main(argv=["policy.py", "--verbose", *others])
