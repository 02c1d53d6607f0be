#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is installed beside esmtp-token: systemd finds nothing wrong with its units, their sandbox lets
through each system call that it makes, and its manual has every key.

    tests/token/units.py [--program FILE]    FILE: target/debug/esmtp-token by default"""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import harness
from harness import ENVIRONMENT, ROOT, SECONDS, Case, main, token

TOOL = ROOT / "tools/esmtp-token"
# Of ten; systemd calls up to 2.0 "OK" with a smile.
WORST_EXPOSURE = 15


def run(*command, **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, env=ENVIRONMENT, **more
    )


class Units(Case):
    def setUp(self) -> None:
        super().setUp()
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        self.service = self.folder / "esmtp-token@.service"
        text = (TOOL / "systemd/esmtp-token@.service").read_text()
        self.service.write_text(text.replace("/usr/bin/esmtp-token", str(harness.program)))
        self.socket = self.folder / "esmtp-token@x.socket"
        shutil.copy(TOOL / "systemd/esmtp-token@.socket", self.socket)

    def test_systemd_finds_nothing_wrong(self) -> None:
        # The manual is not installed here.
        done = run("systemd-analyze", "verify", "--man=no", self.socket, self.service)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_exposure(self) -> None:
        done = run(
            "systemd-analyze", "security", "--offline=yes", f"--threshold={WORST_EXPOSURE}", "--no-pager", self.service
        )
        if "unrecognized option" in done.stderr:
            self.skipTest("this systemd looks at running services only")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_sandbox_knows_its_system_calls(self) -> None:
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        allowed = self.allowed_calls()
        self.assertIn("read", allowed)
        self.assertNotIn("fchown", allowed)
        server = self.serve(lambda _: token(refresh_token="refresh-1"))
        for grant in ("client-credentials", "refresh-token"):
            self.configure(server.url, grant=grant)
            if grant == "refresh-token":
                self.keep("refresh-0", server.url)
            log = self.folder / "calls"
            done = run("strace", "-f", "-qq", "-o", log, *self.command("x"))
            if "ptrace" in done.stderr.lower():
                self.skipTest("strace may not trace here")
            self.assertEqual(done.returncode, 0, done.stderr)
            # What systemd itself does comes before the filter.
            made = set(re.findall(r"^\d+ +(\w+)\(", log.read_text(errors="replace"), re.MULTILINE)) - {"execve"}
            self.assertGreater(len(made), 20)
            self.assertEqual(made - allowed, set())

    def allowed_calls(self) -> set[str]:
        """What SystemCallFilter= lets through."""
        calls: set[str] = set()
        for line in re.findall(r"^SystemCallFilter=(.*)$", self.service.read_text(), re.MULTILINE):
            named = set().union(*(self.group(name) for name in line.lstrip("~").split()))
            calls = calls - named if line.startswith("~") else calls | named
        return calls

    def group(self, name: str) -> set[str]:
        if not name.startswith("@"):
            return {name}
        lines = run("systemd-analyze", "syscall-filter", "--no-pager", name).stdout.splitlines()
        members = {line.strip() for line in lines if line.startswith("    ") and not line.strip().startswith("#")}
        return set().union(*(self.group(member) for member in members))


class Manual(unittest.TestCase):
    def test_form(self) -> None:
        if shutil.which("mandoc") is None:
            self.skipTest("mandoc is not installed")
        for page in sorted((TOOL / "man").iterdir()):
            done = run("mandoc", "-T", "lint", "-W", "warning", page)
            self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_every_key_option_and_status_has_its_place(self) -> None:
        pages = {page.name: page.read_text() for page in (TOOL / "man").iterdir()}
        keys = re.search(r"const KEYS[^=]*= \[(.*?)\];", (TOOL / "src/entry.rs").read_text(), re.DOTALL)[1]
        for key in [*re.findall(r'"([a-z-]+)"', keys), "version", "state", "timeout"]:
            self.assertRegex(pages["token.toml.5"], rf"\.It Ic [^\n]*\b{key}\b")
        usage = re.search(r'USAGE: &str = "(.*?)";', (TOOL / "src/arguments.rs").read_text(), re.DOTALL)[1]
        for option in set(re.findall(r"--([a-z]+)", usage)):
            self.assertIn(f"Fl -{option}", pages["esmtp-token.1"])
        statuses = re.findall(r"^    [A-Z]\w+ = (\d+),", (TOOL / "src/error.rs").read_text(), re.MULTILINE)
        self.assertEqual(re.findall(r"^\.It ([1-9])$", pages["esmtp-token.1"], re.MULTILINE), statuses)

    def test_the_guides_configurations_are_read(self) -> None:
        """Each example, apart from values that only its reader knows."""
        guide = (ROOT / "docs/oauth.md").read_text()
        page = re.search(r"\.Bd -literal\n(version.*?)\.Ed", (TOOL / "man/token.toml.5").read_text(), re.DOTALL)[1]
        blocks = [
            re.sub(r"^   ", "", block, flags=re.MULTILINE)
            for block in re.findall(r"```toml\n(.*?)```", guide, re.DOTALL)
        ]
        blocks = [block for block in blocks if "grant" in block]
        self.assertGreaterEqual(len(blocks), 5)
        for number, block in enumerate([page, *blocks]):
            with self.subTest(block):
                self.read(block, number)

    def read(self, block: str, number: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            config = Path(folder) / "token.toml"
            config.touch(mode=0o600)
            text = re.sub(r"<[^>]*ID>", "id", block)
            config.write_text(text if "version" in text else f"version = 1\n{text}")
            # A name that is not there: all of the file was read by then, and nobody is asked.
            done = run(harness.program, "--config", config, "no-such-name")
            self.assertIn("there is no [no-such-name]", done.stderr)


if __name__ == "__main__":
    main()
