# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a site policy leads to: relays that do as they are told, proxies, and whoever gives secrets
away over a socket."""

import os
import socket
from pathlib import Path

from listening import Listening, free_port, unix
from mail_server import MailServer, Over, Session
from servers import PATH, Server, find, listening_port, wait_for


class Relay(MailServer):
    """Hangs up once it has said so many octets."""

    def __init__(self, cut: int | None = None) -> None:
        super().__init__(offers=("PIPELINING", "8BITMIME"))
        self.cut = cut
        self.said = 0

    def say(self, session: Session, place: str, reply: str) -> None:
        octets = f"{reply}\r\n".encode()
        if self.cut is not None:
            octets = octets[: self.cut - self.said]
        session.client.sendall(octets)
        self.said += len(octets)
        if self.cut is not None and self.said >= self.cut:
            # Not a reset, which could take away what was said last.
            session.client.shutdown(socket.SHUT_WR)
            self.commands += [line.decode().strip() for line in session.pending]
            raise Over


class SecretSocket(Listening):
    """Gives each who connects the next of its answers, and the last one again and again."""

    def __init__(self, path: Path, *answers: str, mode: int = 0o600) -> None:
        super().__init__(unix(path, mode))
        self.path = path
        self.answers = answers

    def serve(self, client: socket.socket, number: int) -> None:
        client.sendall(self.answers[min(number, len(self.answers)) - 1].encode())


class Microsocks(Server):
    """A SOCKS 5 proxy. For it localhost is 127.0.0.1 alone: it tries no other address of a name. As root only, that is
    to say where /etc/hosts can be another one for it."""

    output = "log"

    def __init__(self, *options: str) -> None:
        self.options = options

    def start(self) -> None:
        # It cannot tell which port it got, but it takes one that was free a moment ago.
        self.port = free_port()
        command = [find("microsocks"), "-i", "127.0.0.1", "-p", str(self.port), *self.options]
        if os.geteuid() == 0:
            hosts = self.folder / "hosts"
            hosts.write_text("127.0.0.1 localhost\n")
            script = 'mount --bind "$0" /etc/hosts && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", script, str(hosts), *command]
        self.run(command)
        wait_for("microsocks listens", lambda: listening_port(self.process.pid))


TINYPROXY_CONF = """\
Port {port}
Listen 127.0.0.1
LogFile "{folder}/log"
LogLevel Connect
PidFile "{folder}/pid"
MaxClients 10
Allow 127.0.0.1
{auth}
"""


class Tinyproxy(Server):
    """An HTTP proxy."""

    def __init__(self, user: str, password: str) -> None:
        self.auth = f"BasicAuth {user} {password}"

    def start(self) -> None:
        self.port = free_port()
        config = self.folder / "tinyproxy.conf"
        config.write_text(TINYPROXY_CONF.format(folder=self.folder, port=self.port, auth=self.auth))
        self.run([find("tinyproxy"), "-d", "-c", config], env={"PATH": PATH})
        wait_for("tinyproxy listens", lambda: listening_port(self.process.pid))
