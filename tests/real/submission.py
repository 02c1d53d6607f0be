# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecot's submission server for the time of a test. It checks who sends, and passes mail on to a
relay over a connection that it holds for each client."""

import dovecot
from listening import free_port
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

    def __init__(self, relay: int, accounts: dict[str, str], capabilities: str | None = None):
        self.relay = relay
        self.accounts = accounts
        self.capabilities = capabilities

    refuse = staticmethod(dovecot.submission_is_missing)

    def start(self) -> None:
        self.folder_of("home", "nobody")
        self.port = free_port()
        capabilities = self.capabilities
        settings = SETTINGS.format(
            port=self.port,
            relay=self.relay,
            capabilities=f"submission_backend_capabilities = {capabilities}" if capabilities else "",
        )
        configuration = dovecot.configure(self.folder, settings, self.accounts, ("plain", "login"), dialogue=True)
        self.run([find("dovecot"), "-F", "-c", configuration], env={"PATH": PATH})
        try:
            wait_for("Dovecot listens", self.greets)
            # So that nothing of this connection is logged later.
            wait_for("the connection's end is logged", lambda: "Connection destroy" in self.log())
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log()}") from None
