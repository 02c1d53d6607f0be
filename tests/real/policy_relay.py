# SPDX-License-Identifier: LGPL-2.1-or-later
"""A relay's keys: credentials, certificates, proxies, and the relay after it."""

import shutil
import subprocess
import time
from pathlib import Path

import harness
from accounts import PASSWORD, USER, token
from listening import free_port
from mail_server import MailServer, verb_of
from policy_world import World, pin
from relays import Microsocks, Relay, SecretSocket, Tinyproxy
from servers import find


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
        port = free_port()
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
            libraries = [f"-L{harness.build}", "-l:libesmtp.so.6", "-lssl", "-lcrypto"]
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
            self.assertEqual((len(first.mails), second.connections), (1, 0))
            return first.said

    def test_a_cut_at_every_octet(self) -> None:
        for cut in range(self.whole()):
            with Relay(cut) as first, Relay() as second:
                outcome = self.send(first, second)
            self.assertLessEqual(len(first.mails) + len(second.mails), 1, cut)
            if "MAIL" in first.verbs:
                self.assertEqual(second.connections, 0, (cut, first.verbs))
            else:
                self.assertTrue(outcome.sent, (cut, outcome))
                self.assertEqual(len(second.mails), 1, cut)

    def test_what_leads_to_the_next(self) -> None:
        busy = {"EHLO": "421 4.3.2 busy"}
        no_tls = {}
        for replies, keys in [
            (busy, ""),
            ({"EHLO": "550 go away", "HELO": "550 go away"}, ""),
            (no_tls, 'tls = "starttls"'),
            (no_tls, 'auth = "required"'),
            ({"EHLO": "250-mail.example\r\n250 STARTTLS", "STARTTLS": "454 not now"}, 'tls = "starttls"'),
        ]:
            first = MailServer(lambda line, replies=replies: replies.get(verb_of(line)))
            with self.subTest(keys=keys, replies=replies), first, MailServer() as second:
                text = (
                    f'[relay.first]\nserver = "127.0.0.1:{first.port}"\n{keys}\n'
                    f'[relay.second]\nserver = "127.0.0.1:{second.port}"\n'
                )
                outcome = self.run_submit(self.policy(text + self.everything("first", "second")))
                self.assertTrue(outcome.sent, outcome)
                self.assertEqual((len(first.mails), len(second.mails)), (0, 1))
                self.assertNotIn("MAIL", first.verbs)
                self.assertIn("the next relay, for ", self.trace())

    def test_no_address_no_listener_and_a_secret_that_is_missing(self) -> None:
        port = free_port()
        with MailServer() as last:
            text = (
                '[relay.none]\nserver = "none.invalid"\n'
                f'[relay.closed]\nserver = "127.0.0.1:{port}"\n'
                f'[relay.poor]\nserver = "127.0.0.1:{last.port}"\nsecret = {{ file = "/none" }}\n'
                f'[relay.last]\nserver = "127.0.0.1:{last.port}"\n'
            )
            rule = self.everything("none", "closed", "poor", "last")
            outcome = self.run_submit(self.policy(text + rule))
            self.assertTrue(outcome.sent, outcome)
            self.assertEqual((last.connections, len(last.mails)), (1, 1))
