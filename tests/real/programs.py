#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's esmtp, collectd and syslog-ng, and examples/mail-file.c, all as they are, send mail with
this library and with the one that they came with. What arrives is the same.

    tests/real/programs.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)
    tests/real/programs.py --all              also against Exim and OpenSMTPD, and 1,000 messages;
                                              writes docs/compatibility-programs.md

Needs root for all servers but aiosmtpd, and what scripts/setup installs."""

import argparse
import base64
import collections
import os
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import programs_drivers as drivers
from more_servers import Aiosmtpd, Exim, OpenSmtpd, PostfixInbox

ROOT = Path(__file__).resolve().parents[2]
SENDER = "sender@example.net"
RECIPIENT = "recipient@example.org"
REFUSED = "someone@elsewhere.example"
MANY = 50
SERVERS = [PostfixInbox, Aiosmtpd, Exim, OpenSmtpd]
QUICK_SERVERS = SERVERS[:2]
WITH_SYSLOG_NG = unittest.skipIf(drivers.SyslogNg.refuse(), drivers.SyslogNg.refuse() or "")

build = ROOT / "build"
everything = False
# (program, variant) and the server to "ok" or what went wrong.
results: dict[tuple[str, str], dict[str, str]] = collections.defaultdict(dict)

HEADER = f"""\
From: Sender <{SENDER}>
To: {RECIPIENT}
Date: Thu, 01 Jan 2026 12:00:00 +0000
Message-Id: <one@example.net>
MIME-Version: 1.0
"""


def plain_mail() -> bytes:
    """With LF alone, and lines that are easy to get wrong."""
    body = "first line\n\n.\n..\n.dots\nFrom the start\nGrüße, 你好  \t \n" + "x" * 990 + "\nlast line\n"
    kind = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
    return (f"{HEADER}Subject: plain\n{kind}\n{body}").encode()


def mail_with_attachment() -> bytes:
    picture = base64.encodebytes(bytes(range(256)) * 400).decode()
    parts = f"""\
Subject: with attachment
Content-Type: multipart/mixed; boundary="border"

A part for old programs.
--border
Content-Type: text/plain; charset=us-ascii

See the picture.
--border
Content-Type: application/octet-stream; name="picture"
Content-Disposition: attachment; filename="picture"
Content-Transfer-Encoding: base64

{picture}--border--
"""
    return (HEADER + parts).encode()


TRACE = re.compile(
    rb"(?:Return-Path|Delivered-To|X-Original-To|Envelope-to|Delivery-date|Received):.*\n(?:[ \t].*\n)*", re.I
)


def without_trace(mail: bytes) -> bytes:
    """The mail without the headers that the server put on top."""
    while found := TRACE.match(mail):
        mail = mail[found.end() :]
    return mail


def without_moment(mail: bytes) -> bytes:
    """The same for each run: what the library made of the time of day is left out."""
    mail = re.sub(rb"^Date: .*$", b"Date: then", mail, count=1, flags=re.MULTILINE)
    return re.sub(rb"^Message-Id: <.*>$", b"Message-Id: <one>", mail, count=1, flags=re.MULTILINE)


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory(prefix="esmtp-programs-")
        cls.addClassCleanup(temporary.cleanup)
        cls.mail_file_program = drivers.compile_mail_file(Path(temporary.name))

    def mail_file(self, *arguments) -> drivers.Run:
        return drivers.mail_file(self.mail_file_program, *arguments)

    def each_server(self, program: str, variant: str, check) -> None:
        """Calls check(server) for each, and notes what came of it."""
        for kind in SERVERS if everything else QUICK_SERVERS:
            with self.subTest(server=kind.__name__):
                if kind is not Aiosmtpd and os.geteuid() != 0:
                    self.skipTest(f"{kind.__name__} runs as root only")
                results[program, variant][kind.__name__] = "failed"
                with kind() as server:
                    check(server)
                results[program, variant][kind.__name__] = "ok"

    def check_library(self, loaded: Path, library: Path | None) -> None:
        if library is not None:
            self.assertEqual(loaded, (library / "libesmtp.so.6").resolve())
        else:
            self.assertNotIn(build, loaded.parents)

    def once(self, run, mail: bytes, recipients: list[str]):
        """A check for a program that sends one mail: to all recipients, with both libraries."""

        def check(server) -> None:
            copies = len(recipients) if server.copies else 1
            delivered = []
            for library in (build, None):
                done = run(server.port, library, mail, SENDER, recipients)
                self.check_library(done.library, library)
                self.assertEqual(done.status, 0, done.output)
                delivered.append([without_trace(text) for text in server.take(copies)])
            self.assertEqual(delivered[0], [mail] * copies)
            self.assertEqual(delivered[1], delivered[0])

        return check

    def runs(self):
        return (("esmtp", drivers.esmtp), ("mail-file", self.mail_file))

    def test_line_feeds(self) -> None:
        for program, run in self.runs():
            self.each_server(program, "text with LF alone", self.once(run, plain_mail(), [RECIPIENT]))

    def test_attachment(self) -> None:
        for program, run in self.runs():
            check = self.once(run, mail_with_attachment(), [RECIPIENT])
            self.each_server(program, "MIME with attachment", check)

    def test_many_recipients(self) -> None:
        many = [f"recipient{number}@example.org" for number in range(MANY)]
        for program, run in self.runs():
            self.each_server(program, f"{MANY} recipients", self.once(run, plain_mail(), many))

    def test_some_refused(self) -> None:
        """mail-file sends to the others; esmtp wants all or nothing."""

        def mail_file_sends(server) -> None:
            for library in (build, None):
                recipients = ["one@example.org", REFUSED, "two@example.org"]
                done = self.mail_file(server.port, library, plain_mail(), SENDER, recipients)
                self.check_library(done.library, library)
                self.assertEqual(done.status, os.EX_UNAVAILABLE, done.output)
                self.assertRegex(done.output, rf"mail-file: {REFUSED}: 55[0-9] ")
                self.assertNotIn("example.org", done.output)
                for mail in server.take(2 if server.copies else 1):
                    self.assertEqual(without_trace(mail), plain_mail())

        def esmtp_does_not(server) -> None:
            for library in (build, None):
                done = drivers.esmtp(server.port, library, plain_mail(), SENDER, [RECIPIENT, REFUSED])
                self.check_library(done.library, library)
                self.assertNotEqual(done.status, 0)
                self.assertRegex(done.output, rf"{REFUSED}: 55[0-9] ")
                # The next mail is the first that arrives.
                drivers.esmtp(server.port, library, mail_with_attachment(), SENDER, [RECIPIENT])
                (mail,) = server.take()
                self.assertEqual(without_trace(mail), mail_with_attachment())

        self.each_server("mail-file", "3 recipients, 1 refused", mail_file_sends)
        self.each_server("esmtp", "2 recipients, 1 refused: none", esmtp_does_not)

    def test_collectd(self) -> None:
        def check(server) -> None:
            copies = 2 if server.copies else 1
            delivered = []
            for library in (build, None):
                with drivers.Collectd(server.port, library) as collectd:
                    self.check_library(collectd.loaded, library)
                    texts = []
                    # The second one is sent by the same session.
                    for text in ("disk is full", "disk is empty"):
                        collectd.send(text)
                        mails = server.take(copies)
                        self.assertTrue(all(text.encode() in mail for mail in mails), mails)
                        texts += [without_moment(without_trace(mail)) for mail in mails]
                delivered.append(texts)
            self.assertEqual(delivered[0], delivered[1])

        self.each_server("collectd notify_email", "2 notifications to 2 recipients", check)

    @WITH_SYSLOG_NG
    def test_syslog_ng(self) -> None:
        def check(server) -> None:
            delivered = []
            for library in (build, None):
                with drivers.SyslogNg(server.port, library) as syslog_ng:
                    self.check_library(syslog_ng.loaded, library)
                    syslog_ng.send(". a line with a dot, and ü")
                    delivered.append([without_moment(without_trace(mail)) for mail in server.take()])
            self.assertIn(b"\n\n. a line with a dot", delivered[0][0])
            self.assertEqual(delivered[0], delivered[1])

        self.each_server("syslog-ng smtp()", "a line", check)

    @WITH_SYSLOG_NG
    def test_syslog_ng_many(self) -> None:
        many = 1000 if everything else 50

        def check(server) -> None:
            lines = [f"line number {number}" for number in range(many)]
            with drivers.SyslogNg(server.port, build) as syslog_ng:
                self.check_library(syslog_ng.loaded, build)
                syslog_ng.send(*lines)
                # A process for each mail takes its time.
                mails = server.take(many, seconds=500)
            bodies = [without_trace(mail).partition(b"\n\n")[2] for mail in mails]
            found = collections.Counter(body.decode().strip() for body in bodies)
            self.assertEqual(found, collections.Counter(lines))

        self.each_server("syslog-ng smtp()", f"{many:,} lines, each once", check)


def table() -> str:
    lines = [
        "# Programs with real servers",
        "",
        "Written by `tests/real/programs.py --all`. The programs are Debian's, as they are, all those whose",
        "packages depend on libesmtp6 (`apt-cache rdepends libesmtp6`); `mail-file` is `examples/mail-file.c`,",
        "compiled with the headers of Debian's libesmtp-dev. Each sends with this library and with Debian's",
        "libESMTP, and the delivered bytes are compared; `/proc/PID/maps` shows which library it has. Programs of",
        "our own with the habits of others are in `examples/habits` (`tests/real/habits.py`).",
        "",
        "| program | what | " + " | ".join(kind.title for kind in SERVERS) + " |",
        "| --- | --- |" + " --- |" * len(SERVERS),
    ]
    for (program, variant), by_server in sorted(results.items()):
        cells = [by_server.get(kind.__name__, "not run") for kind in SERVERS]
        lines.append(f"| {program} | {variant} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=Path, default=build)
    parser.add_argument("--all", action="store_true")
    arguments, others = parser.parse_known_args()
    build = arguments.build.resolve()
    everything = arguments.all
    if everything:
        subprocess.run([ROOT / "tests/real/fetch_packages.sh"], check=True)
    ran = unittest.main(argv=["programs.py", "--verbose", *others], exit=False)
    if everything and not others:
        (ROOT / "docs/compatibility-programs.md").write_text(table())
    sys.exit(not ran.result.wasSuccessful())
