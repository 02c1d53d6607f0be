#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts in odd circumstances: the programs in c/, each with the library as it is built.

    tests/faults/boundary.py [--build BUILD] [--gigabytes N] [--policy] [test…]

BUILD holds libesmtp.so.6 (default: build). N is the size of the large message."""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SOURCES = Path(__file__).resolve().parent / "c"
sys.path.append(str(SOURCES.parents[1] / "real"))

from certificates import Certificates  # noqa: E402
from silent import Full, Silent  # noqa: E402
from sink import Sink  # noqa: E402

INCLUDE = SOURCES.parents[2] / "include"
WARNINGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-pedantic", "-Werror", "-O1", "-g"]
SKIPPED = 77
STACK_IN_CLEAR = 20 * 1024
STACK_WITH_TLS = 28 * 1024
COMMANDS = {"EHLO", "MAIL", "RCPT", "DATA", "QUIT"}
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
        # For who is not root any more.
        Path(cls.folder.name).chmod(0o755)
        cls.certificates = Certificates(Path(cls.folder.name))
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

    def run_program(self, command: list, seconds: int = 60, how: dict | None = None, **environment: str) -> str:
        """Output of a program that ends well."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        outcome = subprocess.run(
            [str(word) for word in command],
            env=self.environment | environment,
            timeout=seconds,
            text=True,
            check=False,
            **streams | (how or {}),
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
        self.assertIn("MAIL FROM:<from@example.org> RET=HDRS BODY=8BITMIME", sink.commands)
        first, second = sink.texts
        for name in [b"message-id:", b"disposition-notification-to:", b"date:"]:
            self.assertEqual(first.lower().count(name), 1, first)
        self.assertRegex(second, re.compile(rb"^Date: Mon, 02 Jan 2006 1[0-9]:04:05 ", re.M))
        self.assertIn(b"dISPOSITION-nOTIFICATION-tO: me@here\r\n", second)

    # ---- descriptors ----

    def test_closed_standard_descriptors(self) -> None:
        program = self.compile("closed", "-ldl")
        trace = Path(self.folder.name) / "trace-of-closed"
        for target in ["", "stderr", str(trace)]:
            with self.subTest(target), Sink("PIPELINING") as sink:
                self.run_program([program, sink.address], LIBESMTP_TRACE=target)
                self.assertEqual(len(sink.texts), 2)
                self.assertEqual(set(sink.verbs), COMMANDS)
                self.assertEqual([text.count(b"Hello.") for text in sink.texts], [1, 1])
        self.assertEqual(trace.read_text(encoding="ascii").count(" C: QUIT"), 2)

    # ---- the trace of a host that looks after nothing ----

    def test_trace_that_nobody_reads(self) -> None:
        """A reader that is gone raises no signal, one that does not read is not waited for."""
        program = self.compile("letter")
        for reader in ["gone", "asleep"]:
            ours, theirs = os.pipe()
            if reader == "gone":
                os.close(ours)
            else:
                os.set_blocking(theirs, False)
                try:
                    while True:
                        os.write(theirs, bytes(1 << 16))
                except BlockingIOError:
                    os.set_blocking(theirs, True)
            with self.subTest(reader), Sink() as sink:
                self.run_program([program, sink.address], how={"stderr": theirs}, LIBESMTP_TRACE="stderr")
                self.assertEqual(len(sink.texts), 1)
            os.close(theirs)
            if reader == "asleep":
                os.close(ours)

    def test_trace_into_a_fifo(self) -> None:
        """Without a reader, and with one that does not read."""
        program = self.compile("letter")
        fifo = Path(self.folder.name) / "fifo"
        os.mkfifo(fifo)
        with Sink() as sink:
            self.run_program([program, sink.address], LIBESMTP_TRACE=str(fifo))
            end = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
            self.addCleanup(os.close, end)
            with self.assertRaises(BlockingIOError):
                while True:
                    os.write(end, bytes(1 << 16))
            self.run_program([program, sink.address], LIBESMTP_TRACE=str(fifo))
        self.assertEqual(len(sink.texts), 2)

    def test_trace_that_may_not_grow(self) -> None:
        trace = Path(self.folder.name) / "short-trace"
        limit = 200
        bound = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))}
        with Sink() as sink:
            self.run_program([self.compile("letter"), sink.address], how=bound, LIBESMTP_TRACE=str(trace))
        self.assertEqual(len(sink.texts), 1)
        self.assertLessEqual(trace.stat().st_size, limit)

    # ---- threads that are cancelled ----

    def cancel(self, silent, *words: str, hang_up: bool = False) -> None:
        program = self.compile("cancelled", "-lpthread")
        with Sink() as sink, silent:
            command = [str(program), silent.address, sink.address, *words]
            host = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)
            try:
                self.assertEqual(host.stdout.readline(), "cancelled\n")
                if hang_up:
                    silent.hang_up()
                self.assertEqual(host.wait(60), 0)
            finally:
                host.kill()
                host.wait()
                host.stdout.close()

    def test_cancelled_while_it_waits_for_a_reply(self) -> None:
        """It ends at once: the server says and does nothing more."""
        ehlo = "250 silent.example"
        for replies in [(), ("220 hello",), ("220 hello", ehlo), ("220 hello", ehlo, "250 sender", "250 recipient")]:
            with self.subTest(replies):
                self.cancel(Silent(*replies))

    def test_cancelled_while_it_writes(self) -> None:
        """It ends when nobody reads any more, or somebody does."""
        replies = ("220 hello", "250 silent.example", "250 sender", "250 recipient", "354 go on")
        self.cancel(Silent(*replies), hang_up=True)

    def test_cancelled_in_the_handshake(self) -> None:
        """It ends when the handshake does."""
        self.cancel(Silent("220 hello", "250-silent.example\r\n250 STARTTLS", "220 go"), "tls", hang_up=True)

    def test_cancelled_while_it_connects(self) -> None:
        """It ends when the connection is there, or is not."""
        self.cancel(Full(), hang_up=True)

    # ---- name servers ----

    def test_resolver_that_never_answers(self) -> None:
        with Sink() as sink:
            self.run_program([self.compile("dead_dns", "-ldl"), sink.address])
        self.assertEqual(len(sink.texts), 3)

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

    # ---- TLS ----

    def secure_sink(self, prompts: dict[str, list[str]] | None = None) -> Sink:
        return Sink("PIPELINING AUTH=PLAIN=LOGIN=CRAM-MD5=XOAUTH2", self.certificates.good, prompts=prompts)

    def test_no_descriptor_for_the_authorities(self) -> None:
        home = Path(self.folder.name) / "few-descriptors"
        settings = home / ".config/libesmtp"
        settings.mkdir(parents=True)
        with self.secure_sink() as sink:
            shutil.copy(self.certificates.ca, settings / "ca.pem")
            command = [self.compile("authorities", "-ldl"), sink.address]
            self.run_program(command, HOME=str(home), XDG_CONFIG_HOME="", XDG_CONFIG_DIR="")
        self.assertEqual(len(sink.texts), 2)

    @unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
    def test_home_of_another_user(self) -> None:
        home = Path(self.folder.name) / "root"
        home.mkdir(0o700)
        program = self.compile("other_user")
        with self.secure_sink() as sink:
            self.run_program([program, sink.address], HOME=str(home), XDG_CONFIG_HOME="", XDG_CONFIG_DIR="")
        self.assertEqual(len(sink.texts), 1)

    # ---- memory ----

    def test_passwords_are_wiped(self) -> None:
        # Binding a function later saves registers, and with them what the program's own copying left there.
        program = self.compile("secrets", "-Wl,-z,now")
        for secure in [False, True]:
            for verdict in ["235 welcome", "535 no"]:
                answered = {
                    # An initial response is sent if it is short enough for a line of 512 octets.
                    "AUTH PLAIN ": [verdict],
                    "AUTH PLAIN": ["334 ", verdict],
                    "AUTH LOGIN": ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", verdict],
                    "AUTH CRAM-MD5": ["334 PDFAaG9zdD4=", verdict],
                    "AUTH XOAUTH2 ": [verdict],
                    "AUTH XOAUTH2": ["334 ", verdict],
                }
                with (
                    self.secure_sink(answered)
                    if secure
                    else Sink("AUTH=PLAIN=LOGIN=CRAM-MD5", prompts=answered) as sink
                ):
                    # A token is sent over TLS only.
                    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", *(["XOAUTH2"] if secure else [])]:
                        for length in [8, 63, 64, 200, 1000]:
                            with self.subTest(verdict=verdict, mechanism=mechanism, length=length, secure=secure):
                                words = [mechanism, length, *(["tls"] if secure else [])]
                                self.run_program([program, sink.address, *words])
                self.assertEqual(len(sink.texts), 20 if secure else 15)
                used = {command.split()[1] for command in sink.commands if command.startswith("AUTH ")}
                self.assertEqual(len(used), 4 if secure else 3)

    def test_stack(self) -> None:
        """What programs with small stacks may count on (docs/security.md)."""
        facts = json.loads((options.build / "meson-info/intro-buildoptions.json").read_text())
        if next(fact["value"] for fact in facts if fact["name"] == "buildtype") == "debug":
            self.skipTest("the library is not optimised")
        program = self.compile("stack", "-lpthread")
        answered = {
            "AUTH PLAIN": ["235 welcome"],
            "AUTH LOGIN": ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 welcome"],
            "AUTH CRAM-MD5": ["334 PDFAaG9zdD4=", "235 welcome"],
        }
        with Sink("PIPELINING AUTH=PLAIN=LOGIN=CRAM-MD5", prompts=answered) as sink:
            for words in [(), ("PLAIN",), ("LOGIN",), ("CRAM-MD5",)]:
                used = int(self.run_program([program, sink.address, *words]))
                self.assertLessEqual(used, STACK_IN_CLEAR, words)
        with self.secure_sink(answered) as sink:
            for mechanism in ["PLAIN", "CRAM-MD5"]:
                used = int(self.run_program([program, sink.address, mechanism, "tls"]))
                self.assertLessEqual(used, STACK_WITH_TLS, mechanism)

    def test_each_allocation_fails(self) -> None:
        """A session is right or fails cleanly, or Rust ends the process (docs/security.md)."""
        with Sink("PIPELINING") as sink:
            print(self.run_program([self.compile("no_memory"), sink.address, "each"]), end="")

    def test_no_memory_for_what_is_long(self) -> None:
        with Sink() as sink:
            self.run_program([self.compile("no_memory"), sink.address, "long"])

    def test_many_secure_threads(self) -> None:
        with self.secure_sink() as sink:
            program = self.compile("secure_threads", "-lpthread")
            self.run_program([program, sink.address, 64, 5])
        self.assertEqual(len(sink.texts), 320)

    def test_races(self) -> None:
        if not shutil.which("valgrind"):
            self.skipTest("there is no valgrind")
        with self.secure_sink() as sink:
            # What is kept to resume a session is behind a mutex of Rust's, which Helgrind does not see.
            sink.tls.num_tickets = 0
            program = self.compile("secure_threads", "-lpthread")
            command = ["valgrind", "--tool=helgrind", "--error-exitcode=9", "-q"]
            command.append(f"--suppressions={SOURCES / 'helgrind.supp'}")
            # The system's list of authorities takes minutes at this speed.
            few = {"SSL_CERT_FILE": str(self.certificates.self_signed), "SSL_CERT_DIR": self.folder.name}
            # Nor is what all sessions share, but it is there before the threads are, and nobody changes it.
            self.run_program([*command, program, sink.address, 8, 1, "prepared"], seconds=150, **few)
        self.assertEqual(len(sink.texts), 9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=lambda text: Path(text).resolve(), default=options.build)
    parser.add_argument("--gigabytes", type=int, default=options.gigabytes)
    parser.add_argument("--policy", action="store_true", help="with a site policy that changes nothing")
    rest = parser.parse_known_args(namespace=options)[1]
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
