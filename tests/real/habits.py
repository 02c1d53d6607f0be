#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs with the habits of known ones, examples/habits: what their user sees with this library,
and, where that says something, with Debian's libESMTP, whose headers they are compiled with.

    tests/real/habits.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)

Each also runs under valgrind."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from certificates import Certificates
from mail_server import MailServer, refuse
from servers import PATH

ROOT = Path(__file__).resolve().parents[2]
HABITS = ROOT / "examples/habits"
WARNINGS = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect"]
SECONDS = 100
OURS, REFERENCE = "ours", "reference"


class Habits(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="esmtp-habits-")))
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libesmtp-1.0"], capture_output=True, text=True)
        if flags.returncode != 0:
            raise unittest.SkipTest(f"libesmtp-dev: {flags.stderr}")
        for source in HABITS.glob("*.c"):
            command = ["cc", *WARNINGS, source, "-o", cls.folder / source.stem, "-pthread", *flags.stdout.split()]
            subprocess.run(command, check=True, timeout=60)
        (cls.folder / "certificates").mkdir()
        cls.certificates = Certificates(cls.folder / "certificates")

    def run_program(self, name: str, server: str, *words: str, library: str = OURS, text: str = "", watched=False):
        """Its output; it must end well."""
        variables = {"PATH": PATH, "HOME": str(self.folder)}
        if library is OURS:
            variables["LD_LIBRARY_PATH"] = str(harness.build)
        done = subprocess.run(
            [*(VALGRIND if watched else []), self.folder / name, server, *words],
            env=variables,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.splitlines()

    def ways(self):
        """Ours, and ours under valgrind."""
        yield {}
        if shutil.which("valgrind"):
            yield {"watched": True}
        else:
            print("not under valgrind, which is missing")

    # ---- one session for ever ----

    ALERTS = "pump stopped\nwater in the cellar\n"

    def alerts(self, **how) -> tuple[list[str], list[str]]:
        """What the user is told, and what arrives, if the server has no time for the first."""
        with MailServer(refuse("text", "451 4.3.0 try later", times=1)) as server:
            told = self.run_program("alert-daemon", f"127.0.0.1:{server.port}", text=self.ALERTS, **how)
        about = [mail.text.partition(b"about this: ")[2].partition(b".")[0].decode() for mail in server.mails]
        return told, about

    def test_each_alert_has_its_own_text(self) -> None:
        for way in self.ways():
            told, about = self.alerts(**way)
            self.assertEqual(about, ["pump stopped", "water in the cellar"])
            self.assertEqual(told[0], "operator@example.org: 451 4.3.0 try later")
            self.assertRegex(told[1], "^operator@example.org: 250 ")

    def test_the_reference_loses_an_alert(self) -> None:
        """The second one's text goes out twice, and the user is told that all went well."""
        told, about = self.alerts(library=REFERENCE)
        self.assertEqual(about, ["water in the cellar", "water in the cellar"])
        self.assertEqual(told, ["operator@example.org: 250 fine"] * 2)

    def test_alerts_while_the_server_is_down(self) -> None:
        for way in self.ways():
            with MailServer(refuse("greeting", "421 4.3.2 going down")) as server:
                told = self.run_program("alert-daemon", f"127.0.0.1:{server.port}", text=self.ALERTS, **way)
            expected = "not sent: Invalid SMTP status code in server response: 421 4.3.2 going down"
            self.assertEqual(told, [expected] * 2)

    # ---- a program that looks at nothing ----

    ADDRESSES = (
        "Me <me@example.net>",
        "You <you@example.org>",
        "nobody at all",
        "unknown@example.org",
        '"Last, First" <first@example.org>',
        "her@example.org (in the office)\n",
        "him@example.org\r\nRSET",
    )

    def test_who_looks_at_nothing_reaches_who_can_be_reached(self) -> None:
        for way in self.ways():
            with MailServer(refuse("RCPT TO:<unknown@", "550 5.1.1 nobody here")) as server:
                told = self.run_program("careless", f"127.0.0.1:{server.port}", *self.ADDRESSES, **way)
            self.assertEqual(told, ["done"])
            (mail,) = server.mails
            self.assertEqual(mail.sender, "me@example.net")
            self.assertEqual(mail.recipients, ("you@example.org", "first@example.org", "her@example.org"))
            self.assertNotIn("RSET", server.commands)

    def test_who_looks_at_nothing_does_not_crash(self) -> None:
        refusals = [
            ("greeting", "554 5.7.1 go away"),
            ("EHLO", "421 4.3.2 not now"),
            ("MAIL", "550 5.7.1 not you"),
            ("RCPT", "550 5.1.1 not them"),
            ("DATA", "554 5.5.0 not that"),
            ("text", "552 5.3.4 too much"),
            ("MAIL", "this is no reply"),
        ]
        for number, (where, reply) in enumerate(refusals):
            with self.subTest(f"{where}: {reply}"), MailServer(refuse(where, reply)) as server:
                watched = number % 3 == 0 and shutil.which("valgrind") is not None
                address = f"127.0.0.1:{server.port}"
                told = self.run_program("careless", address, *self.ADDRESSES, watched=watched)
                self.assertEqual(told, ["done"])
                self.assertEqual(server.mails, [])

    def test_nobody_listens(self) -> None:
        for way in self.ways():
            self.assertEqual(self.run_program("careless", "127.0.0.1:1", *self.ADDRESSES, **way), ["done"])

    # ---- a program that accepts every certificate ----

    def test_every_certificate_is_accepted(self) -> None:
        # OpenSSL's numbers for what is wrong.
        expired, no_issuer, self_signed = 10, 20, 18
        cases = [
            (self.certificates.expired, True, [f"certificate not in order: {expired}"]),
            (self.certificates.wrong_name, True, ["certificate of another host"]),
            (self.certificates.good, False, [f"certificate not in order: {no_issuer}"]),
            (self.certificates.self_signed, True, [f"certificate not in order: {self_signed}"]),
            (self.certificates.good, True, []),
        ]
        for number, (certificate, trusted, complaints) in enumerate(cases):
            with self.subTest(certificate.name, trusted=trusted):
                self.trust(trusted)
                with MailServer(offers=("PIPELINING",), certificate=certificate) as server:
                    watched = number == 1 and shutil.which("valgrind") is not None
                    told = self.run_program("trusting", f"localhost:{server.port}", watched=watched)
                self.assertEqual(told, [*complaints, "encrypted", "sent"])
                self.assertEqual(len(server.mails), 1)

    def trust(self, wanted: bool) -> None:
        file = self.folder / ".config/libesmtp/ca.pem"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        if wanted:
            shutil.copy(self.certificates.ca, file)

    # ---- threads with one auth context ----

    def test_threads_with_one_context(self) -> None:
        for threads, way in zip(("32", "4"), self.ways()):
            with MailServer(offers=("AUTH PLAIN",)) as server:
                address = f"127.0.0.1:{server.port}"
                told = self.run_program("one-context", address, "user", "secret", threads, **way)
            self.assertEqual(told, [f"{threads} of {threads} sent"])
            self.assertEqual(server.commands.count("AUTH PLAIN AHVzZXIAc2VjcmV0"), int(threads))
            self.assertEqual(len(server.mails), int(threads))


if __name__ == "__main__":
    os.environ.pop("LIBESMTP_TRACE", None)
    harness.main(__doc__)
