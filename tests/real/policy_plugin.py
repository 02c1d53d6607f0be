# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mechanism of a plug-in, with the user and the secret of a site policy."""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import harness
from accounts import PASSWORD, USER
from mail_server import MailServer
from policy_world import World
from relays import SecretSocket
from servers import find

# It gives a copy of the library a folder of the test's, for the one that is compiled in.
WITH_PLUGINS = harness.ROOT / "ctests/plugin/with_plugins.py"
NO_ROOM = 77


class Plugins(World):
    with_site = False

    def setUp(self) -> None:
        super().setUp()
        self.plugin = self.own / "sasl-x-both.so"
        source = Path(__file__).with_name("policy_plugin.c")
        options = ["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        subprocess.run([find("cc"), *options, "-o", self.plugin, source], check=True, timeout=60)
        self.relay_heard = self.enterContext(MailServer(offers=("AUTH X-BOTH PLAIN",)))

    def send(self, keys: str, *options: str) -> subprocess.CompletedProcess:
        library = harness.build / "libesmtp.so.6"
        folder = re.search(rb"/[\w./+-]*esmtp-plugins-[\d.]+", library.read_bytes())[0].decode()
        relay = f'[relay.site]\nserver = "127.0.0.1:{self.relay_heard.port}"\nmechanisms = ["X-BOTH"]\n{keys}'
        variables = self.policy(f'{relay}[[rule]]\nrelays = ["site"]\n')
        program = [self.submit.program, "-f", "a@example.net", *options, "mail.invalid", self.submit.mail]
        done = subprocess.run(
            [sys.executable, WITH_PLUGINS, library, folder, self.plugin, "--", *program, "b@example.org"],
            env=self.submit.environment(True) | variables | {"TMPDIR": os.environ.get("TMPDIR", "/tmp")},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode == NO_ROOM:
            self.skipTest(done.stdout)
        return done

    def told(self) -> list[bytes]:
        """The messages of AUTH."""
        asked = [line.split() for line in self.relay_heard.commands if line.startswith("AUTH ")]
        self.assertEqual({words[1] for words in asked}, {"X-BOTH"})
        return [base64.b64decode(words[2]) for words in asked]

    def test_user_and_secret_of_the_policy(self) -> None:
        secret = self.write("secret", PASSWORD)
        socket = self.enterContext(SecretSocket(self.own / "token", f"{PASSWORD}\n"))
        for source in (f'file = "{secret}"', f'socket = "{socket.path}"'):
            with self.subTest(source):
                self.relay_heard.commands.clear()
                done = self.send(f'user = "{USER}"\nsecret = {{ {source} }}\n')
                self.assertEqual(done.returncode, 0, f"{done}\n{self.trace()}")
                self.assertEqual(self.told(), [f"{USER}:{PASSWORD}".encode()])
                self.assertNotIn(PASSWORD, self.trace())

    def test_the_other_half_is_the_programs(self) -> None:
        done = self.send(f'user = "{USER}"\n', "-P", "-u", "nobody", "-p", "of the program")
        self.assertEqual(done.returncode, 0, f"{done}\n{self.trace()}")
        self.assertEqual(self.told(), [f"{USER}:of the program".encode()])

    def test_a_plug_in_that_is_not_there(self) -> None:
        self.plugin.rename(self.own / "sasl-x-other.so")
        self.plugin = self.own / "sasl-x-other.so"
        secret = self.write("secret", PASSWORD)
        done = self.send(f'user = "{USER}"\nsecret = {{ file = "{secret}" }}\n')
        self.assertEqual(done.returncode, 1, done)
        self.assertEqual(self.relay_heard.mails, [])
        self.assertNotIn("AUTH", self.relay_heard.verbs)
