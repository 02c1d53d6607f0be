# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file of a site policy: what is wrong with it, whose it is, what it costs when it is not there."""

import collections
import os
import re
import shutil
import subprocess
from pathlib import Path

import harness
from accounts import PASSWORD, USER
from listening import Listening
from mail_server import MailServer
from policy_world import World
from relays import Microsocks
from servers import find


class NothingGoesOut(World):
    """Whatever is wrong with a policy: nobody hears of the mail."""

    with_site = False

    def setUp(self) -> None:
        super().setUp()
        self.counter = self.enterContext(Listening())

    def assert_silent(self, variables: dict[str, str], *options: str) -> None:
        outcome = self.run_submit(variables, *options, server=f"127.0.0.1:{self.counter.port}")
        self.assert_not_sent(outcome)
        self.assertTrue(any(line.startswith("result 0 ") for line in outcome.lines), outcome)
        self.assertEqual(outcome.events, [], outcome)
        self.assertEqual(self.counter.connections, 0)

    def relay(self, keys: str, name: str = "site") -> str:
        return f'[relay.{name}]\nserver = "127.0.0.1:{self.counter.port}"\n{keys}\n'

    def test_the_file(self) -> None:
        good = self.relay("") + self.everything()
        for text in [
            "usr = 1",
            "[relay",
            "[[rule]]\nrelays = []\n",
            "[[rule]]\n",
            'x = "\udcff"'.encode("utf-8", "surrogateescape").decode("latin-1"),
        ]:
            with self.subTest(text):
                self.assert_silent(self.policy(text + "\n" + good))
        self.assert_silent(self.policy('[[rule]]\nrelays = ["none"]\n'))
        self.assert_silent(self.policy("#" * 70000))
        file = self.own / "policy.toml"
        file.write_text("version = 2\n")
        variables = {"LIBESMTP_POLICY": str(file)}
        self.assert_silent(variables)
        self.policy(good)
        for mode in (0o666, 0o664):
            file.chmod(mode)
            self.assert_silent(variables)
        file.chmod(0o644)
        self.own.chmod(0o777)
        self.assert_silent(variables)
        self.own.chmod(0o755)
        os.chown(file, 12345, -1)
        self.assert_silent(variables)
        self.assert_silent({"LIBESMTP_POLICY": str(self.own / "none")})
        self.assert_silent({"LIBESMTP_POLICY": "policy.toml"})
        self.assert_silent({"LIBESMTP_POLICY": str(self.own)})

    def test_the_systems_log_is_told(self) -> None:
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        for text, words in [
            ("usr = 1\n", "policy.toml:2:1: unknown key ..usr"),
            (self.relay('ca-file = "/none"') + self.everything(), "relay site of .* cannot be used: /none: No such"),
        ]:
            log = self.own / "strace"
            command = ["strace", "-s", "400", "-e", "trace=sendto", "-o", log, self.submit.program]
            command += ["-f", "a@example.net", f"127.0.0.1:{self.counter.port}", self.submit.mail, "b@example.org"]
            environment = self.submit.environment(True) | self.policy(text)
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
            told = [line for line in log.read_text().splitlines() if '"/dev/log"' in line]
            self.assertEqual(len(told), 1, log.read_text())
            self.assertRegex(told[0], rf"<19>libesmtp\[\d+\]: .*{words}")

    def test_a_rule_that_refuses(self) -> None:
        variables = self.policy('[[rule]]\nserver = "127.0.0.1"\nrefuse = "use mail.corp.example"\n')
        self.assert_silent(variables)
        self.assertIn("refuses: use mail.corp.example", self.trace())

    def test_tls_that_the_program_demands_and_the_policy_switches_off(self) -> None:
        variables = self.policy(self.relay('tls = "off"') + self.everything())
        self.assert_silent(variables, "-t", "must")

    def test_what_a_relay_needs(self) -> None:
        open_file = self.write("open", "secret", 0o644)
        shared = self.write("shared", "secret", 0o660)
        empty = self.write("empty", "")
        writable = self.write("ca.pem", self.certificates.ca.read_text(), 0o666)
        certificate = self.write("cert.pem", self.certificates.client("bob").read_text())
        other = self.write("other.key", self.certificates.client("eve").read_text())
        none = self.own / "none"
        user = 'user = "alice"\n'
        for keys in [
            user + f'secret = {{ file = "{none}" }}',
            user + f'secret = {{ file = "{open_file}" }}',
            user + f'secret = {{ file = "{shared}" }}',
            user + f'secret = {{ file = "{empty}" }}',
            user + f'secret = {{ file = "{self.own}" }}',
            user + 'secret = { credential = "none" }',
            user + f'secret = {{ socket = "{none}" }}',
            user + f'secret = {{ socket = "{empty}" }}',
            f'ca-file = "{none}"',
            f'ca-file = "{empty}"',
            f'ca-file = "{writable}"',
            f'ca-dir = "{none}"',
            f'ca-dir = "{certificate}"',
            f'certificate = {{ file = "{certificate}", key = "{none}" }}',
            f'certificate = {{ file = "{certificate}", key = "{open_file}" }}',
            f'certificate = {{ file = "{none}", key = "{certificate}" }}',
            f'proxy = "http://me@127.0.0.1:{self.counter.port}"\nproxy-secret = {{ file = "{none}" }}',
        ]:
            with self.subTest(keys):
                self.assert_silent(self.policy(self.relay(keys) + self.everything()))
                self.assertIn("cannot be used: ", self.trace())
        keys = f'certificate = {{ file = "{self.certificates.ca}", key = "{other}" }}'
        self.assert_silent(self.policy(self.relay(keys) + self.everything()))

    def test_a_file_that_is_cut(self) -> None:
        """Within a line; cut at the end of one it may be a shorter policy."""
        text = self.relay('tls = "starttls"\nhello = "web1.example.org"') + self.everything()
        lines = ("version = 1\n" + text).splitlines(keepends=True)
        file = self.own / "policy.toml"
        count = 0
        for at, line in enumerate(lines):
            for end in range(1, len(line) - 1):
                if not line[:end].strip() or line[: end + 1] == line:
                    continue
                file.write_text("".join(lines[:at]) + line[:end])
                file.chmod(0o644)
                outcome = self.run_submit({"LIBESMTP_POLICY": str(file)}, server="127.0.0.1:1")
                self.assert_not_sent(outcome)
                self.assertEqual(self.counter.connections, 0, file.read_text())
                self.assertEqual(outcome.events, [], file.read_text())
                count += 1
        self.assertGreater(count, 100)

    def test_no_password_in_clear_to_another_host(self) -> None:
        secret = self.write("secret", PASSWORD)
        # Behind a proxy nobody is this host.
        relay = self.enterContext(MailServer(offers=("AUTH PLAIN CRAM-MD5",)))
        proxy = self.enterContext(Microsocks())
        keys = f'user = "{USER}"\nsecret = {{ file = "{secret}" }}\ntls = "off"\n'
        for behind in ("", f'proxy = "socks5h://127.0.0.1:{proxy.port}"\n'):
            text = f'[relay.site]\nserver = "127.0.0.1:{relay.port}"\n{keys}{behind}' + self.everything()
            relay.commands.clear()
            outcome = self.run_submit(self.policy(text))
            self.assertEqual(relay.verbs.count("AUTH"), 0 if behind else 1, relay.verbs)
            self.assertEqual(outcome.sent, not behind, outcome)


class Rights(World):
    """Who has more rights than its user listens to the system's policy alone."""

    with_site = False

    def test_variables_and_user_files(self) -> None:
        relay = self.enterContext(MailServer())
        refusing = 'version = 1\n[[rule]]\nrefuse = "the user says no"\n'
        settings = self.own / "home/.config/libesmtp"
        settings.mkdir(parents=True, mode=0o755)
        (settings / "policy.toml").write_text(refusing)
        (settings / "policy.toml").chmod(0o644)
        self.own.chmod(0o755)
        variables = {"HOME": str(self.own / "home"), "XDG_CONFIG_HOME": ""}
        here = f"127.0.0.1:{relay.port}"
        library = self.own / "lib"
        library.mkdir(mode=0o755)
        shutil.copy(harness.build / "libesmtp.so.6", library)
        (library / "libesmtp.so.6").chmod(0o644)
        program = self.own / "submit"
        shutil.copy(self.submit.program, program)
        mail = self.own / "mail"
        shutil.copy(self.submit.mail, mail)
        mail.chmod(0o644)

        def send(*prefix: str, **more: str) -> int:
            command = [*prefix, program, "-f", "a@example.net", here, mail, "b@example.org"]
            environment = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(library)} | variables | more
            done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
            return done.returncode

        os.chown(settings / "policy.toml", 0, 0)
        # uid 0 with a user's HOME: it goes out.
        self.assertEqual(send(), 0)
        as_nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
        # A user's own process obeys.
        self.assertEqual(send(*as_nobody), 1)
        self.assertEqual(send(*as_nobody, LIBESMTP_POLICY="none"), 0)
        self.assertEqual(relay.connections, 2)
        # Rights from the file: the library must be where the system looks, as LD_LIBRARY_PATH is
        # not believed then.
        self.assertEqual(
            subprocess.run([find("patchelf"), "--set-rpath", library, program]).returncode
            if shutil.which("patchelf")
            else self.link_with_path(program, library),
            0,
        )
        for change in (lambda: program.chmod(0o4755), lambda: program.chmod(0o2755)):
            os.chown(program, 1, 1)
            change()
            self.assertEqual(send(*as_nobody), 0)
            self.assertEqual(send(*as_nobody, LIBESMTP_POLICY="/none"), 0)
        os.chown(program, 0, 0)
        program.chmod(0o755)
        if shutil.which("setcap", path="/usr/sbin:/sbin:/usr/bin"):
            subprocess.run(["/usr/sbin/setcap", "cap_net_bind_service+ep", program], check=True)
            self.assertEqual(send(*as_nobody), 0)
            self.assertEqual(send(*as_nobody, LIBESMTP_POLICY="/none"), 0)

    def link_with_path(self, program: Path, library: Path) -> int:
        source = Path(__file__).with_name("submit.c")
        options = ["-lesmtp", "-lssl", "-lcrypto", f"-Wl,--disable-new-dtags,-rpath,{library}"]
        return subprocess.run([find("cc"), "-o", program, source, *options], timeout=60).returncode


class WithoutAFile(World):
    """It costs two opens that fail."""

    with_site = False

    def calls(self, variables: dict[str, str]) -> list[str]:
        with MailServer() as relay:
            log = self.own / "strace"
            command = ["strace", "-f", "-o", log, self.submit.program, "-f", "a@example.net"]
            command += [f"127.0.0.1:{relay.port}", self.submit.mail, "b@example.org"]
            environment = self.submit.environment(True) | variables
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
            self.assertEqual(len(relay.mails), 1)
        lines = log.read_text().splitlines()
        return [re.sub(r"^\d+ +", "", line) for line in lines]

    def test_counted(self) -> None:
        if shutil.which("strace") is None:
            self.skipTest("strace is not installed")
        if Path("/etc/libesmtp/policy.toml").exists():
            self.skipTest("this machine has a policy")
        # A folder that $XDG_CONFIG_HOME names counts if it is there: one look, in any case.
        for config_home in ("", str(self.own)):
            with self.subTest(XDG_CONFIG_HOME=config_home):
                self.count({"XDG_CONFIG_HOME": config_home}, looks=bool(config_home))

    def count(self, variables: dict[str, str], looks: bool) -> None:
        without = self.calls(variables | {"LIBESMTP_POLICY": "none"})
        with_look = self.calls(variables)
        folder = f'{variables["XDG_CONFIG_HOME"]}/libesmtp"'
        for lines in (without, with_look):
            seen = [line for line in lines if folder in line]
            self.assertEqual(len(seen), looks, seen)
        opens = [line for line in with_look if "policy.toml" in line]
        self.assertEqual(len(opens), 2, opens)
        for line in opens:
            self.assertRegex(line, r"^openat\(.*O_NOFOLLOW.*\) = -1 ENOENT")
        # How often it waits for the server is a matter of chance.
        waiting = {"poll", "ppoll", "recvfrom", "recv", "read", "futex", "restart_syscall"}

        def others(lines: list[str]) -> collections.Counter:
            calls = (line.split("(")[0] for line in lines if "policy.toml" not in line)
            return collections.Counter(call for call in calls if call not in waiting)

        self.assertEqual(others(with_look), others(without))
