#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts in odd circumstances: the programs in c/, each with the library as it is built.

    tests/faults/boundary.py [--build BUILD] [--gigabytes N] [--policy] [test…]

BUILD holds libesmtp.so.6 (default: build). N is the size of the large message."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from sink import Sink

SOURCES = Path(__file__).resolve().parent / "c"
INCLUDE = SOURCES.parents[2] / "include"
WARNINGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-g"]
SKIPPED = 77
# Each session meets it, and goes where it would have gone.
POLICY = """\
version = 1
[relay.as-set]
verify = "program"
timeout = { connect = "30s" }
[[rule]]
program = "none"
refuse = "it is another program"
[[rule]]
relays = ["as-set"]
"""

options = argparse.Namespace(build=SOURCES.parents[2] / "build", gigabytes=2, policy=False)


class Boundary(unittest.TestCase):
    """Each test is a program."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.environment = dict(os.environ, LD_LIBRARY_PATH=str(options.build), HOME=cls.folder.name)
        if options.policy:
            policy = Path(cls.folder.name) / "policy.toml"
            policy.write_text(POLICY, encoding="ascii")
            cls.environment["LIBESMTP_POLICY"] = str(policy)

    def compile(self, name: str, *libraries: str, linked: bool = True) -> Path:
        program = Path(self.folder.name) / name
        if linked:
            libraries = (str(options.build / "libesmtp.so.6"), *libraries)
        command = ["cc", *WARNINGS, f"-I{INCLUDE}", str(SOURCES / f"{name}.c"), "-o", str(program)]
        subprocess.run([*command, *libraries], check=True, timeout=60)
        return program

    def run_program(self, command: list, seconds: int = 60, **environment: str) -> str:
        """Output of a program that ends well."""
        outcome = subprocess.run(
            [str(word) for word in command],
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            text=True,
            check=False,
        )
        if outcome.returncode == SKIPPED:
            self.skipTest(outcome.stdout.strip())
        self.assertEqual(outcome.returncode, 0, outcome.stdout)
        return outcome.stdout

    def test_fork(self) -> None:
        with Sink("PIPELINING") as sink:
            self.run_program([self.compile("fork"), sink.address])
        self.assertEqual(len(sink.texts), 60)

    def test_reload(self) -> None:
        program = self.compile("reload", "-ldl", linked=False)
        with Sink() as sink:
            print(self.run_program([program, sink.address, options.build / "libesmtp.so.6"]), end="")
        self.assertEqual(len(sink.texts), 20)

    def test_signals(self) -> None:
        for keywords in ["", "PIPELINING"]:
            with self.subTest(keywords), Sink(keywords) as sink:
                self.run_program([self.compile("signals"), sink.address])
                self.assertEqual(len(sink.texts), 3)

    def test_sigpipe(self) -> None:
        with Sink(hangs_up_after=100_000) as sink:
            self.run_program([self.compile("sigpipe"), sink.address])
        self.assertEqual(sink.texts, [])

    def test_locale(self) -> None:
        locales = Path(self.folder.name) / "locales"
        locales.mkdir()
        if not shutil.which("localedef"):
            self.skipTest("there is no localedef to make a locale with")
        made = ["localedef", "-i", "tr_TR", "-f", "UTF-8", locales / "tr_TR.UTF-8"]
        subprocess.run(made, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        with Sink("pipelining size dsn 8bitmime auth=plain") as sink:
            self.run_program([self.compile("locale"), sink.address], LOCPATH=str(locales))
        self.assertIn(b"MAIL FROM:<from@example.org> RET=HDRS BODY=8BITMIME", sink.commands)
        first, second = sink.texts
        for name in [b"message-id:", b"disposition-notification-to:", b"date:"]:
            self.assertEqual(first.lower().count(name), 1, first)
        self.assertRegex(second, re.compile(rb"^Date: Mon, 02 Jan 2006 1[0-9]:04:05 ", re.M))
        self.assertIn(b"dISPOSITION-nOTIFICATION-tO: me@here\r\n", second)

    def test_closed_standard_descriptors(self) -> None:
        with Sink() as sink:
            self.run_program([self.compile("closed"), sink.address])
        self.assertEqual(len(sink.texts), 2)

    def test_no_descriptors(self) -> None:
        with Sink() as sink:
            self.run_program([self.compile("descriptors"), sink.address])
        self.assertEqual(len(sink.texts), 1)

    def test_odd_lengths(self) -> None:
        with Sink() as sink:
            output = self.run_program([self.compile("lengths"), sink.address])
        self.assertEqual(len(sink.texts), 3)
        self.assertLess(int(output.split()[0]), 64 * 1024, output)

    def test_large_message(self) -> None:
        with Sink() as sink:
            blocks = options.gigabytes * 1024
            print(self.run_program([self.compile("large"), sink.address, blocks], seconds=200), end="")
        self.assertEqual(len(sink.texts), 2)

    def secure_sink(self) -> Sink:
        certificate = Path(self.folder.name) / "server.pem"
        command = "openssl req -x509 -newkey ed25519 -nodes -days 2 -subj /CN=sink.example -keyout".split()
        subprocess.run(
            [*command, certificate, "-out", f"{certificate}.crt"], check=True, timeout=60, capture_output=True
        )
        with certificate.open("a", encoding="ascii") as pem:
            pem.write(Path(f"{certificate}.crt").read_text(encoding="ascii"))
        return Sink("PIPELINING AUTH=PLAIN", certificate)

    def test_many_secure_threads(self) -> None:
        with self.secure_sink() as sink:
            program = self.compile("secure_threads", "-lpthread")
            self.run_program([program, sink.address, 64, 5])
        self.assertEqual(len(sink.texts), 320)

    def test_races(self) -> None:
        if not shutil.which("valgrind"):
            self.skipTest("there is no valgrind")
        with self.secure_sink() as sink:
            program = self.compile("secure_threads", "-lpthread")
            command = ["valgrind", "--tool=helgrind", "--error-exitcode=9", "-q"]
            command.append(f"--suppressions={SOURCES / 'helgrind.supp'}")
            # The system's list of authorities takes minutes at this speed.
            few = {"SSL_CERT_FILE": str(Path(self.folder.name) / "server.pem"), "SSL_CERT_DIR": self.folder.name}
            self.run_program([*command, program, sink.address, 8, 1], seconds=150, **few)
        self.assertEqual(len(sink.texts), 8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=lambda text: Path(text).resolve(), default=options.build)
    parser.add_argument("--gigabytes", type=int, default=options.gigabytes)
    parser.add_argument("--policy", action="store_true", help="with a site policy that changes nothing")
    rest = parser.parse_known_args(namespace=options)[1]
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
