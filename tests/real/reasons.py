#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the users of Debian's esmtp, collectd and syslog-ng, all as they are, read when mail does
not go: the reason is in it.

    tests/real/reasons.py [--build BUILD]            BUILD holds libesmtp.so.6 (default: build)
    tests/real/reasons.py [--build BUILD] --write    writes docs/reasons.md, from runs with Debian's
                                                     library and with ours"""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from dataclasses import dataclass, field
from pathlib import Path

import programs_drivers as drivers
from certificates import Certificates
from mail_server import Answer, MailServer, refuse
from servers import PATH, find, wait_for
from submit import OLDER_TLS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/reasons.md"
ESMTP, COLLECTD, SYSLOG_NG = "esmtp", "collectd", "syslog-ng"
EVERY = (ESMTP, COLLECTD, SYSLOG_NG)
WITH_AUTH = (ESMTP, COLLECTD)
SECONDS = 60
MAIL = b"From: sender@example.net\nSubject: one\n\nhello\n"

build = ROOT / "build"


@dataclass(frozen=True)
class Failure:
    """Something that goes wrong, and what the user reads in each program that can meet it."""

    name: str
    reason: str
    programs: tuple[str, ...] = EVERY
    answer: Answer | None = None
    certificate: str | None = None
    trust: int | None = 0o600
    offers: tuple[str, ...] = ()
    # None = nobody listens.
    host: str = "127.0.0.1"
    listening: bool = True
    account: bool = False
    # Where a program shows something else: it looks at another status.
    instead: dict[str, str] = field(default_factory=dict)


def refused_login(reply: str) -> Answer:
    """Without authentication it takes nothing."""

    def answer(line: str) -> str | None:
        if line.startswith("AUTH "):
            return reply
        return "530 5.7.0 authentication required" if line.startswith("MAIL ") else None

    return answer


def nobody_there(reply: str) -> Answer:
    """As Postfix: once all are refused it does not want the text either."""

    def answer(line: str) -> str | None:
        if line == "DATA":
            return "554 5.5.1 no valid recipients"
        return reply if line.startswith("RCPT ") else None

    return answer


LOGIN = ("AUTH PLAIN LOGIN",)
FAILURES = [
    Failure("nobody listens", r"Connection refused: 127\.0\.0\.1:", listening=False),
    Failure(
        "unknown host",
        r"(Name or service not known|Temporary failure in name resolution): nobody\.invalid",
        host="nobody.invalid",
        listening=False,
    ),
    Failure(
        "greeting 554",
        "554 5.7.1 blocked, see https://example.org/ip",
        answer=refuse("greeting", "554 5.7.1 blocked, see https://example.org/ip"),
    ),
    Failure(
        "wrong password, 535",
        "535 5.7.8 wrong user or password",
        WITH_AUTH,
        refused_login("535 5.7.8 wrong user or password"),
        offers=LOGIN,
        account=True,
    ),
    Failure(
        "password not wanted, 534",
        "534 5.7.9 an application password is needed",
        WITH_AUTH,
        refused_login("534 5.7.9 an application password is needed"),
        offers=LOGIN,
        account=True,
    ),
    Failure("sender refused, 550", "550 5.7.1 not from you", answer=refuse("MAIL", "550 5.7.1 not from you")),
    Failure(
        "recipient refused, 550",
        "550 5.1.1 no such user",
        answer=nobody_there("550 5.1.1 no such user"),
        # It shows the message's status alone.
        instead={SYSLOG_NG: "554 5.5.1 no valid recipients"},
    ),
    Failure(
        "message refused, 554",
        "554 5.7.1 this looks like spam",
        answer=refuse("text", "554 5.7.1 this looks like spam"),
    ),
    Failure("certificate expired", "Client error: certificate has expired", (ESMTP,), certificate="expired"),
    Failure(
        "certificate of another host",
        r"Client error: certificate is for other\.example, not localhost",
        (ESMTP,),
        certificate="wrong_name",
    ),
    Failure(
        "unknown authority",
        "Client error: (unable to get local issuer certificate|self-signed certificate)",
        (ESMTP,),
        certificate="good",
        trust=None,
    ),
    Failure(
        "CA file others may write",
        r"/libesmtp/ca\.pem may be written by others",
        (ESMTP,),
        certificate="good",
        trust=0o666,
    ),
]


class Reader:
    """Runs the programs, and tells what their user reads."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        (folder / "certificates").mkdir()
        self.certificates = Certificates(folder / "certificates")
        self.older_tls = folder / "openssl.cnf"
        self.older_tls.write_text(OLDER_TLS)

    def variables(self, library: Path | None) -> dict[str, str]:
        settings = str(self.home / ".config")
        if library is None:
            return {"XDG_CONFIG_DIR": settings, "OPENSSL_CONF": str(self.older_tls)} | self.more
        return {"XDG_CONFIG_HOME": settings} | self.more

    def trust(self, mode: int | None) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        folder = self.home / ".config/libesmtp"
        folder.mkdir(parents=True)
        if mode is not None:
            shutil.copy(self.certificates.ca, folder / "ca.pem")
            (folder / "ca.pem").chmod(mode)

    def read(self, failure: Failure, program: str, library: Path | None, **more: str) -> str:
        """One line; ports and folders, which are others each time, have names."""
        self.more = more
        self.trust(failure.trust)
        with contextlib.ExitStack() as stack:
            port = 1
            if failure.listening:
                certificate = failure.certificate and getattr(self.certificates, failure.certificate)
                port = stack.enter_context(MailServer(failure.answer, failure.offers, certificate)).port
            run = {ESMTP: self.esmtp, COLLECTD: self.collectd, SYSLOG_NG: self.syslog_ng}[program]
            said = run(failure, port, library)
        said = re.sub(rf"\b(127\.0\.0\.1|localhost):{port}\b", r"\1:587", said)
        return said.replace(str(self.home), "/home/me")

    def esmtp(self, failure: Failure, port: int, library: Path | None) -> str:
        host = "localhost" if failure.certificate else failure.host
        lines = [f"hostname = {host}:{port}", "helo = client.example"]
        lines += ['username = "user"', 'password = "wrong"'] if failure.account else []
        lines += ["starttls = required"] if failure.certificate else []
        settings = self.home / "esmtprc"
        settings.write_text("\n".join([*lines, ""]))
        settings.chmod(0o600)
        done = subprocess.run(
            [find("esmtp"), "-C", settings, "-f", "sender@example.net", "recipient@example.org"],
            env=drivers.environment(library, self.home) | self.variables(library),
            input=MAIL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
        )
        said = "; ".join(line.strip() for line in done.stdout.decode().splitlines() if line.strip())
        return said if done.returncode else f"(success) {said}".strip()

    def collectd(self, failure: Failure, port: int, library: Path | None) -> str:
        account = 'SMTPUser "user"\n  SMTPPassword "wrong"' if failure.account else ""
        kind = type("ThisCollectd", (drivers.Collectd,), {"host": failure.host, "account": account})
        with kind(port, library, self.variables(library)) as collectd:
            with contextlib.suppress(RuntimeError, OSError):
                collectd.send("disk is full")

            def said() -> str | None:
                found = re.search(r"^notify_email( plugin)?: (SMTP|notify) .*$", collectd.log(), re.MULTILINE)
                if found:
                    return found[0].strip()
                ended = collectd.process.poll()
                return ended and f"(nothing: it ends with {signal.Signals(-ended).name})"

            return wait_for("collectd says something", said, SECONDS)

    def syslog_ng(self, failure: Failure, port: int, library: Path | None) -> str:
        kind = type("ThisSyslogNg", (drivers.SyslogNg,), {"host": failure.host})
        with kind(port, library, self.variables(library)) as syslog_ng:
            syslog_ng.send("a line")

            def said() -> str | None:
                found = re.search(r"(SMTP server error.*|Failed to send message); .*$", syslog_ng.log(), re.MULTILINE)
                return found and re.sub(r"driver='d#0', |, time_reopen='60'|\\x0d\\x0a", "", found[0])

            return wait_for("syslog-ng says something", said, SECONDS)


def installed(program: str) -> bool:
    return shutil.which(program, path=PATH) is not None


def expected(failure: Failure, program: str) -> str:
    reason = failure.instead.get(program, failure.reason)
    if program == SYSLOG_NG and (status := re.fullmatch(r"([45]\d\d) (.*)", reason)) and "greeting" not in failure.name:
        return f"code='{status[1]}', text='{re.escape(status[2])}'"
    return reason


def row(failure: Failure, program: str, before: str, now: str) -> str:
    cells = [failure.name, program, before, now]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


class Reasons(unittest.TestCase):
    def setUp(self) -> None:
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="esmtp-reasons-"))
        self.reader = Reader(Path(folder))

    def check(self, program: str) -> None:
        reason = drivers.SyslogNg.refuse() if program == SYSLOG_NG else None
        if reason or not installed(program):
            self.skipTest(reason or f"{program} is not installed")
        document = DOCUMENT.read_text().splitlines()
        for failure in FAILURES:
            if program not in failure.programs:
                continue
            with self.subTest(failure.name):
                now = self.reader.read(failure, program, build)
                self.assertRegex(now, expected(failure, program))
                # What stands around it depends on the program's version.
                (documented,) = (line for line in document if line.startswith(f"| {failure.name} | {program} |"))
                self.assertRegex(documented.rpartition(" | ")[2], expected(failure, program))

    def test_esmtp(self) -> None:
        self.check(ESMTP)

    def test_trace_says_the_same(self) -> None:
        """What failed is in the trace in the same words, with the names of files."""
        if not installed(ESMTP):
            self.skipTest("esmtp is not installed")
        trace = self.reader.home.parent / "trace"
        for failure in FAILURES:
            with self.subTest(failure.name):
                trace.unlink(missing_ok=True)
                now = self.reader.read(failure, ESMTP, build, LIBESMTP_TRACE=str(trace))
                said = now.partition("SMTP server problem ")[2].replace("/home/me", str(self.reader.home))
                if not said:
                    continue
                shown = re.sub(r"\b(127\.0\.0\.1|localhost):\d+", r"\1:587", trace.read_text())
                self.assertIn(f" -- the session has failed: {said}\n", shown)

    def test_collectd(self) -> None:
        self.check(COLLECTD)

    def test_syslog_ng(self) -> None:
        self.check(SYSLOG_NG)


def write() -> None:
    lines = [
        "# What users read",
        "",
        "Written by `tests/real/reasons.py --write`: what three programs of Debian's, as they are, tell their",
        "users when mail does not go, with libESMTP 1.1.0 and with this library. collectd and syslog-ng have",
        "no switch for TLS, and syslog-ng none for authentication. collectd says `notify sent` before any status.",
        "",
        "| what goes wrong | program | libESMTP 1.1.0 | here |",
        "| --- | --- | --- | --- |",
    ]
    with tempfile.TemporaryDirectory(prefix="esmtp-reasons-") as folder:
        reader = Reader(Path(folder))
        for failure in FAILURES:
            for program in failure.programs:
                before, now = (reader.read(failure, program, library) for library in (None, build))
                lines.append(row(failure, program, before, now))
    DOCUMENT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=Path, default=build)
    parser.add_argument("--write", action="store_true")
    arguments, others = parser.parse_known_args()
    build = arguments.build.resolve()
    os.environ.pop("LIBESMTP_TRACE", None)
    if arguments.write:
        write()
        sys.exit(0)
    unittest.main(argv=["reasons.py", "--verbose", *others])
