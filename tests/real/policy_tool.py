# SPDX-License-Identifier: LGPL-2.1-or-later
"""The program esmtp-policy."""

import re
import shutil
import subprocess

from accounts import PASSWORD, USER
from mail_server import MailServer
from policy_world import TOOL, World, pin, take


class Tool(World):
    """esmtp-policy finds what a session would find, and says what a session does."""

    with_site = False

    def tool(self, *arguments) -> subprocess.CompletedProcess:
        if not TOOL.exists():
            self.skipTest("esmtp-policy is not built (cargo build -p esmtp-policy)")
        return subprocess.run([TOOL, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)

    def test_usage(self) -> None:
        for arguments in [(), ("frob",), ("check", "--all"), ("check", "a", "b"), ("explain", "--program", "a")]:
            done = self.tool(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("usage: esmtp-policy", done.stderr)
        self.assertEqual(self.tool("--help").returncode, 0)

    def test_check_and_a_session_agree(self) -> None:
        relay = self.enterContext(MailServer())
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
        self.tool("--version")
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
        if not TOOL.exists():
            self.skipTest("esmtp-policy is not built (cargo build -p esmtp-policy)")
        self.policy(self.relay(keys) + self.everything())
        command = [TOOL, "probe", "site", self.own / "policy.toml"]
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
