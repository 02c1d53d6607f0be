#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The programs of docs/guide.md do what the guide says: each is taken out of it, compiled, and run
against a server.

    tests/real/guide.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from certificates import Certificates
from more_servers import Aiosmtpd

ROOT = Path(__file__).resolve().parents[2]
WARNINGS = ["-std=c99", "-D_POSIX_C_SOURCE=200809L", "-Wall", "-Wextra", "-pedantic", "-Werror"]
# It gives up by itself sooner than that.
SECONDS = 30


def programs_of_guide() -> dict[str, str]:
    """Name to source; the first line of each block of C is a comment with its name."""
    blocks = re.findall(r"^```c\n(.*?)^```$", (ROOT / "docs/guide.md").read_text(), re.MULTILINE | re.DOTALL)
    found = {}
    for block in blocks:
        name = re.match(r"/\* (\w+)\.c \*/\n", block)
        if name is None:
            raise ValueError(f"a program without a name: {block[:60]!r}")
        found[name[1]] = block
    return found


class Guide(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory(prefix="esmtp-guide-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        cls.programs = programs_of_guide()
        cls.certificates = Certificates(cls.folder)
        cls.environment = os.environ | cls.certificates.trusted_by(cls.folder)
        cls.environment |= {"LD_LIBRARY_PATH": str(harness.build)}
        for name, source in cls.programs.items():
            (cls.folder / f"{name}.c").write_text(source)
            libraries = ["-L", str(harness.build), "-lesmtp", "-lssl", "-lcrypto", "-pthread"]
            command = ["cc", *WARNINGS, "-I", str(ROOT / "include"), f"{name}.c", "-o", name, *libraries]
            subprocess.run(command, cwd=cls.folder, check=True, timeout=60)

    def run_program(self, name: str, server: Aiosmtpd) -> tuple[int, str]:
        """Its status and its output."""
        done = subprocess.run(
            [self.folder / name, f"localhost:{server.port}"],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
        )
        return done.returncode, done.stdout

    def test_each_program_has_a_test(self) -> None:
        tested = {name.removeprefix("test_") for name in dir(self) if name.startswith("test_")}
        self.assertEqual(set(self.programs) - tested, set())

    def test_send(self) -> None:
        with Aiosmtpd() as server:
            self.assertEqual(self.run_program("send", server), (0, "250 2.0.0 Taken\n"))
            (mail,) = server.take()
        self.assertIn(b"Subject: tea\nTo: You <you@example.org>\nDate: ", mail)
        self.assertTrue(mail.endswith(b"\n\nAt five?\n"), mail)

    def test_several(self) -> None:
        with Aiosmtpd() as server:
            status, output = self.run_program("several", server)
            mails = server.take(2)
        expected = "you@example.org: sent\nnobody@example.org: 5.1.1 No such user\nall@example.org: sent\n"
        self.assertEqual((status, output), (1, expected))
        self.assertEqual({mail.rpartition(b"\n\n")[2] for mail in mails}, {b"first\n", b"second\n"})

    def test_generated(self) -> None:
        with Aiosmtpd() as server:
            self.assertEqual(self.run_program("generated", server), (0, ""))
            (mail,) = server.take()
        body = mail.partition(b"\n\n")[2]
        self.assertEqual(body.decode(), "".join(f"line {number}\n" for number in range(1, 1001)))

    def test_secure(self) -> None:
        with Aiosmtpd(self.certificates.good) as server:
            self.assertEqual(self.run_program("secure", server), (0, "TLSv1.3\n"))
            (mail,) = server.take()
            self.assertTrue(mail.endswith(b"\n\nfor your eyes only\n"), mail)

    def test_secure_refuses_a_stranger(self) -> None:
        with Aiosmtpd(self.certificates.self_signed) as server:
            status, output = self.run_program("secure", server)
            self.assertEqual((status, output), (1, "self-signed certificate\n"))
            self.assertEqual(list(server.inbox.glob("new/*")), [])

    def test_login(self) -> None:
        with Aiosmtpd(self.certificates.good, account="me:open sesame") as server:
            self.assertEqual(self.run_program("login", server), (0, ""))
            server.take()

    def test_login_with_another_password(self) -> None:
        with Aiosmtpd(self.certificates.good, account="me:shut") as server:
            self.assertEqual(self.run_program("login", server), (1, "5.7.8 Authentication credentials invalid\n"))

    def test_progress(self) -> None:
        with Aiosmtpd() as server:
            status, output = self.run_program("progress", server)
            (mail,) = server.take()
        self.assertEqual((status, output), (0, "".join(f"{ten}0 %\n" for ten in range(1, 11))))
        self.assertGreater(len(mail), 900_000)

    def test_retry(self) -> None:
        with Aiosmtpd() as server:
            self.assertEqual(self.run_program("retry", server), (0, "1 left\n0 left\n"))
            self.assertEqual(len(server.take(2)), 2)

    def test_threads(self) -> None:
        with Aiosmtpd() as server:
            self.assertEqual(self.run_program("threads", server), (0, "4 sent\n"))
            self.assertEqual(len(server.take(4)), 4)

    def test_stop(self) -> None:
        with Aiosmtpd() as server:
            why = "0: Operation canceled: the message callback failed\n"
            self.assertEqual(self.run_program("stop", server), (0, why))
            self.assertEqual(list(server.inbox.glob("new/*")), [])


if __name__ == "__main__":
    harness.main(__doc__)
