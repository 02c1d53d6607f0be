# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a site policy leads to: relays that do as they are told, proxies, and whoever gives secrets
away over a socket."""

import contextlib
import os
import socket
import subprocess
import threading
from pathlib import Path

from servers import PATH, Server, find, listening_port, wait_for

SECONDS = 30


class Threads:
    """Listens on a port, or on a socket in a folder, and serves each client in a thread."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.connections = 0
        self.threads: list[threading.Thread] = []
        self.lock = threading.Lock()
        self.ending = False

    def __enter__(self):
        self.acceptor = threading.Thread(target=self.accept)
        self.acceptor.start()
        return self

    def __exit__(self, *_) -> None:
        self.ending = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in [self.acceptor, *self.threads]:
            thread.join(SECONDS)

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
            thread = threading.Thread(target=self.handle, args=(client, number))
            self.threads.append(thread)
            thread.start()

    def handle(self, client: socket.socket, number: int) -> None:
        client.settimeout(SECONDS)
        with client, contextlib.suppress(OSError):
            self.serve(client, number)

    def serve(self, client: socket.socket, number: int) -> None:
        raise NotImplementedError


def loopback() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


class Relay(Threads):
    """Takes mail without TLS, and hangs up once it has said so many octets."""

    replies = {
        "EHLO": b"250-relay.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
        "DATA": b"354 go on\r\n",
        "QUIT": b"221 bye\r\n",
    }

    def __init__(self, cut: int | None = None) -> None:
        super().__init__(loopback())
        self.port = self.listener.getsockname()[1]
        self.cut = cut
        self.said = 0
        self.verbs: list[str] = []
        # The commands, as they came.
        self.heard: list[bytes] = []
        self.accepted = 0

    def serve(self, client: socket.socket, number: int) -> None:
        lines = client.makefile("rb")
        self.say(client, lines, b"220 relay.example\r\n")
        while line := lines.readline():
            verb = line.split(b" ")[0].strip().decode().upper()
            self.verbs.append(verb)
            self.heard.append(line)
            self.say(client, lines, self.replies.get(verb, b"250 ok\r\n"))
            if verb == "DATA":
                while lines.readline() not in (b".\r\n", b""):
                    pass
                self.accepted += 1
                self.say(client, lines, b"250 taken\r\n")
            if verb == "QUIT":
                return

    def say(self, client: socket.socket, lines, reply: bytes) -> None:
        if self.cut is not None:
            reply = reply[: self.cut - self.said]
        client.sendall(reply)
        self.said += len(reply)
        if self.cut is not None and self.said >= self.cut:
            # Not a reset, which could take away what was said last.
            client.shutdown(socket.SHUT_WR)
            with lines:
                self.verbs += [line.split(b" ")[0].strip().decode().upper() for line in lines]
            raise OSError


class SecretSocket(Threads):
    """Gives each who connects the next of its answers, and the last one again and again."""

    def __init__(self, path: Path, *answers: str, mode: int = 0o600) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        os.chmod(path, mode)
        listener.listen()
        super().__init__(listener)
        self.path = path
        self.answers = answers

    def serve(self, client: socket.socket, number: int) -> None:
        client.sendall(self.answers[min(number, len(self.answers)) - 1].encode())


class Microsocks(Server):
    """A SOCKS 5 proxy. For it localhost is 127.0.0.1 alone: it tries no other address of a name. As root only, that is
    to say where /etc/hosts can be another one for it."""

    def __init__(self, *options: str) -> None:
        self.options = options

    def start(self) -> None:
        # It cannot tell which port it got, but it takes one that was free a moment ago.
        with loopback() as free:
            self.port = free.getsockname()[1]
        command = [find("microsocks"), "-i", "127.0.0.1", "-p", str(self.port), *self.options]
        if os.geteuid() == 0:
            hosts = self.folder / "hosts"
            hosts.write_text("127.0.0.1 localhost\n")
            script = 'mount --bind "$0" /etc/hosts && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", script, str(hosts), *command]
        self.output = (self.folder / "log").open("wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT)
        wait_for("microsocks listens", lambda: listening_port(self.process.pid))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.output.close()

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


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
        with loopback() as free:
            self.port = free.getsockname()[1]
        config = self.folder / "tinyproxy.conf"
        config.write_text(TINYPROXY_CONF.format(folder=self.folder, port=self.port, auth=self.auth))
        self.process = subprocess.Popen(
            [find("tinyproxy"), "-d", "-c", config],
            env={"PATH": PATH},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for("tinyproxy listens", lambda: listening_port(self.process.pid))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")
