# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecot's submission server for the time of a test. It checks who sends, and passes mail on to a
relay over a connection that it holds for each client."""

import socket
import subprocess

import dovecot
from servers import PATH, Server, find, wait_for

SETTINGS = """\
protocols = submission
listen = 127.0.0.1
hostname = mail.example
auth_failure_delay = 0
first_valid_uid = 1
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
{capabilities}
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
}}
"""


class DovecotSubmission(Server):
    """Takes mail of the accounts only: user and password. What it offers of BINARYMIME and 8BITMIME
    is what the relay does, or `capabilities`."""

    process: subprocess.Popen | None = None

    def __init__(self, relay: int, accounts: dict[str, str], capabilities: str | None = None):
        self.relay = relay
        self.accounts = accounts
        self.capabilities = capabilities

    refuse = staticmethod(dovecot.submission_is_missing)

    def start(self) -> None:
        self.folder_of("home", "nobody")
        # It takes no port 0; what the kernel gives us a moment before is the nearest.
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        capabilities = self.capabilities
        settings = SETTINGS.format(
            port=self.port,
            relay=self.relay,
            capabilities=f"submission_backend_capabilities = {capabilities}" if capabilities else "",
        )
        configuration = dovecot.configure(self.folder, settings, self.accounts, ("plain", "login"), dialogue=True)
        self.process = subprocess.Popen(
            [find("dovecot"), "-F", "-c", configuration],
            env={"PATH": PATH},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for("Dovecot listens", self.greets)
            # So that nothing of this connection is logged later.
            wait_for("the connection's end is logged", lambda: "Connection destroy" in self.log())
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log()}") from None

    def greets(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(f"Dovecot ended\n{self.log()}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                return connection.recv(3) == b"220"
        except ConnectionRefusedError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)

    def log(self) -> str:
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""
