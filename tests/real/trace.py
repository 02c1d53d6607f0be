#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""LIBESMTP_TRACE: what it writes, for whom, and when it is ignored.

tests/real/trace.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import os
import re
import shutil
import stat
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from mail_server import MailServer

root = Path(__file__).resolve().parents[2]

LINE = re.compile(r"^\d+\.\d{6} \[\d+\.\d+\] (--|C:|S:) .*$")
SECONDS = 20
NOBODY = 65534


class Trace(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trace-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.program = self.folder / "first-mail"
        # By its own path: a set-uid program takes no path from the environment.
        subprocess.run(
            [
                "cc",
                str(root / "examples/first-mail.c"),
                "-o",
                str(self.program),
                f"-I{root / 'include'}",
                f"-L{harness.build}",
                f"-Wl,-rpath,{harness.build}",
                "-lesmtp",
            ],
            check=True,
        )

    def send(self, trace: str | None, program: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if name != "LIBESMTP_TRACE"}
        if trace is not None:
            environment["LIBESMTP_TRACE"] = trace
        with MailServer() as server:
            return subprocess.run(
                [str(program or self.program), server.address],
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=True,
            )

    def check(self, text: str) -> None:
        lines = text.splitlines()
        for line in lines:
            self.assertRegex(line, LINE)
        for part in ("-- connected to 127.0.0.1:", "S: 220 ", "C: EHLO ", "C: MAIL FROM:<me@example.org>", "C: QUIT"):
            self.assertTrue(any(part in line for line in lines), part)
        self.assertNotIn("It works", text, "the text of a message is not shown")

    def test_file_of_the_user_alone(self) -> None:
        trace = self.folder / "trace"
        self.send(str(trace))
        self.assertEqual(stat.S_IMODE(trace.stat().st_mode), 0o600)
        self.check(trace.read_text())
        before = trace.read_text()
        self.send(str(trace))
        self.assertTrue(trace.read_text().startswith(before), "a second run appends")

    def test_standard_error(self) -> None:
        self.check(self.send("stderr").stderr)

    def test_unset(self) -> None:
        self.assertEqual(self.send(None).stderr, "")

    def test_a_link_is_not_followed(self) -> None:
        target, link = self.folder / "target", self.folder / "link"
        target.write_text("mine")
        link.symlink_to(target)
        self.send(str(link))
        self.assertEqual(target.read_text(), "mine")

    @unittest.skipUnless(os.geteuid() == 0, "only root can give a program away")
    def test_a_program_with_other_rights_ignores_it(self) -> None:
        program = self.folder / "set-uid"
        shutil.copy(self.program, program)
        os.chown(program, NOBODY, NOBODY)
        program.chmod(0o4755)
        self.folder.chmod(0o755)
        done = self.send("stderr", program)
        self.assertEqual(done.stdout, "sent\n")
        self.assertEqual(done.stderr, "")


if __name__ == "__main__":
    harness.main(__doc__)
