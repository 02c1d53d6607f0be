# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hosts that are odd places to send from, with a site policy."""

import re
import shutil
import signal
import subprocess
from pathlib import Path

import harness
from accounts import PASSWORD, USER
from mail_server import MailServer
from policy_world import World
from relays import SecretSocket
from servers import find


class Hosts(World):
    """Odd places to send from. Nothing is run for a secret, so nothing of this matters to it."""

    with_site = False

    def set_up_relay(self, folder: Path | None = None) -> tuple[MailServer, dict[str, str]]:
        """With `folder` as the root of the program's files."""
        folder = folder or self.own
        root = folder if folder != self.own else Path("/")
        relay = self.enterContext(MailServer(offers=("AUTH PLAIN",)))
        socket = self.enterContext(SecretSocket(folder / "token", f"{PASSWORD}\n"))
        variables = self.policy(
            f'[relay.site]\nserver = "127.0.0.1:{relay.port}"\nuser = "{USER}"\n'
            f'secret = {{ socket = "/{socket.path.relative_to(root)}" }}\n'
            '[[rule]]\nprogram = "submit"\nrelays = ["site"]\n'
        )
        return relay, variables

    def start(self, variables: dict[str, str], *prefix: str, root: Path | None = None):
        program, mail = self.submit.program, self.submit.mail
        if root is not None:
            program, mail = "/submit", "/mail"
        command = [*prefix, program, "-f", "a@example.net", "mail.invalid", mail, "b@example.org"]
        environment = self.submit.environment(True) | variables
        return subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )

    def send(self, *prefix: str, **more: str) -> None:
        relay, variables = self.set_up_relay()
        done = self.start(variables | more, *prefix)
        self.assertEqual(done.returncode, 0, f"{done}\n{self.trace()}")
        self.assertEqual((len(relay.mails), relay.verbs.count("AUTH")), (1, 1))

    def odd_host(self) -> str:
        """The library that makes the program one."""
        made = self.own / "odd_host.so"
        source = Path(__file__).with_name("odd_host.c")
        options = ["-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-shared", "-fPIC"]
        subprocess.run([find("cc"), *options, "-o", made, source], check=True, timeout=60)
        return str(made)

    def test_children_are_ignored(self) -> None:
        self.send("env", "--ignore-signal=CHLD")

    def test_the_first_process(self) -> None:
        self.send("unshare", "--pid", "--fork", "--mount-proc")

    def test_without_proc(self) -> None:
        self.send("unshare", "--mount", "sh", "-c", 'umount -l /proc && exec "$@"', "sh")

    def test_without_standard_descriptors(self) -> None:
        self.send("sh", "-c", 'exec 0<&- 1>&- 2>&- && exec "$@"', "sh")

    def test_no_process_is_made(self) -> None:
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        log = self.own / "strace"
        self.send("strace", "-f", "-e", "trace=process", "-o", str(log))
        calls = log.read_text().splitlines()
        self.assertEqual(len([call for call in calls if " execve(" in call]), 1)
        made = [call for call in calls if re.search(r" v?fork\(| clone3?\(", call)]
        self.assertEqual([call for call in made if "CLONE_THREAD" not in call], [])

    def test_children_are_reaped_by_a_handler(self) -> None:
        self.send(LD_PRELOAD=self.odd_host(), ODD_HOST="reaps")

    def test_who_makes_a_process_is_killed(self) -> None:
        host = self.odd_host()
        self.send(LD_PRELOAD=host, ODD_HOST="forbids")
        # So there is something that forbids it.
        done = self.start({"LD_PRELOAD": host, "ODD_HOST": "forbids-and-forks"})
        self.assertEqual(done.returncode, -signal.SIGSYS, done)

    def test_another_root(self) -> None:
        root = self.own / "root"
        root.mkdir(mode=0o755)
        for file in (self.submit.program, self.submit.mail):
            shutil.copy(file, root)
        environment = self.submit.environment(True)
        listed = subprocess.check_output(
            ["ldd", self.submit.program], env=environment | {"LC_ALL": "C"}, text=True, timeout=30
        )
        for library in re.findall(r"(/\S+) \(0x", listed):
            (root / library[1:]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, root / library[1:])
        relay, variables = self.set_up_relay(root)
        shutil.copy(self.own / "policy.toml", root)
        variables = {"LIBESMTP_POLICY": "/policy.toml", "LIBESMTP_TRACE": "/trace"}
        done = self.start(variables, "chroot", str(root), root=root)
        trace = root / "trace"
        said = trace.read_text() if trace.exists() else "no trace"
        self.assertEqual(done.returncode, 0, f"{done}\n{said}")
        self.assertEqual((len(relay.mails), relay.verbs.count("AUTH")), (1, 1))


class Confined(World):
    """AppArmor's abstraction, as its own program reads it."""

    with_site = False

    def test_abstraction_is_understood(self) -> None:
        parser = shutil.which("apparmor_parser", path="/usr/sbin:/sbin:/usr/bin")
        if parser is None:
            self.skipTest("apparmor_parser is not installed (apparmor)")
        folder = self.own / "abstractions"
        folder.mkdir()
        shutil.copy(harness.ROOT / "packaging/apparmor/libesmtp", folder)
        profile = self.write(
            "profile",
            "include <tunables/global>\nprofile submit /usr/bin/submit {\n"
            "  include <abstractions/base>\n  include <abstractions/libesmtp>\n}\n",
        )
        # Nothing is loaded into a kernel, and nothing is kept.
        command = [parser, "--skip-kernel-load", "--skip-cache", "--debug", "-I", self.own, "-I", "/etc/apparmor.d"]
        read = subprocess.run([*command, profile], capture_output=True, text=True, timeout=60)
        self.assertEqual(read.returncode, 0, read)
        for path in ("/etc/libesmtp/policy.toml", "/run/esmtp-token/*"):
            self.assertIn(f"({path})", read.stdout + read.stderr)
