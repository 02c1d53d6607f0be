# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mail server that says no where a test wants it to, and keeps what it takes."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

PATIENCE_SECONDS = 60

# What is answered to a command line, to "greeting", or to "text" (the end of one). None = as usual.
Answer = Callable[[str], str | None]


@dataclass(frozen=True)
class Mail:
    """One that was taken, with its line ends as they came."""

    sender: str
    recipients: tuple[str, ...]
    text: bytes


def refuse(beginning: str, reply: str, times: int = 1 << 30) -> Answer:
    """Says `reply` to what begins so, so many times."""
    left = [times]

    def answer(line: str) -> str | None:
        if left[0] == 0 or not line.upper().startswith(beginning.upper()):
            return None
        left[0] -= 1
        return reply

    return answer


class Refusing:
    """`with Refusing(answer) as server: … server.port … server.mails`."""

    def __init__(self, answer: Answer = lambda _: None, offers: tuple[str, ...] = (), certificate: Path | None = None):
        self.answer = answer
        self.offers = ["mail.example", *offers]
        self.mails: list[Mail] = []
        self.commands: list[str] = []
        self.tls = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate)
        self.open: set[socket.socket] = set()
        self.threads: list[threading.Thread] = []

    def __enter__(self) -> "Refusing":
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.acceptor = threading.Thread(target=self._accept)
        self.acceptor.start()
        return self

    def __exit__(self, *_) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        for client in list(self.open):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        for thread in self.threads:
            thread.join()

    def _accept(self) -> None:
        # Ends when the listener is shut down.
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                client.settimeout(PATIENCE_SECONDS)
                self.open.add(client)
                self.threads.append(threading.Thread(target=self._serve, args=(client,)))
                self.threads[-1].start()

    def _serve(self, client: socket.socket) -> None:
        # The client may go away at any time.
        with contextlib.suppress(OSError), client:
            try:
                greeting = self.answer("greeting") or "220 mail.example"
                client.sendall(f"{greeting}\r\n".encode())
                if Dialogue(self, client).wants_tls():
                    with self.tls.wrap_socket(client, server_side=True) as secured:
                        Dialogue(self, secured).wants_tls()
            finally:
                self.open.discard(client)


class Dialogue:
    """One client's, before TLS or in it."""

    def __init__(self, server: Refusing, client: socket.socket) -> None:
        self.server = server
        self.client = client
        self.pending = client.makefile("rb")
        self.sender = ""
        self.recipients: list[str] = []

    def wants_tls(self) -> bool:
        """Talks until the client goes, or wants TLS."""
        while line := self.pending.readline().decode(errors="replace").rstrip("\r\n"):
            self.server.commands.append(line)
            reply = self.server.answer(line) or self.usual(line)
            if reply:
                self.client.sendall(f"{reply}\r\n".encode())
            verb = line.upper().split()[0]
            if verb == "STARTTLS" and reply.startswith("220"):
                self.pending.close()
                return True
            if verb == "DATA" and reply.startswith("354"):
                self.client.sendall(f"{self.take()}\r\n".encode())
            if verb == "QUIT":
                break
        return False

    def usual(self, line: str) -> str:
        match line.upper().split()[0]:
            case "EHLO":
                secure = isinstance(self.client, ssl.SSLSocket)
                offers = [*self.server.offers, *(["STARTTLS"] if self.server.tls and not secure else [])]
                return "\r\n".join([*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}"])
            case "STARTTLS":
                return "220 go ahead"
            case "AUTH":
                return "235 welcome"
            case "MAIL":
                self.sender, self.recipients = line.partition("<")[2].partition(">")[0], []
            case "RCPT":
                self.recipients.append(line.partition("<")[2].partition(">")[0])
            case "DATA":
                return "354 go on" if self.recipients else "503 nobody wants it"
            case "QUIT":
                return "221 bye"
        return "250 fine"

    def take(self) -> str:
        lines = []
        while (line := self.pending.readline()) != b".\r\n":
            if not line.endswith(b"\n"):
                raise ConnectionAbortedError("the client is gone")
            lines.append(line.removeprefix(b"."))
        refusal = self.server.answer("text")
        if refusal is None:
            self.server.mails.append(Mail(self.sender, tuple(self.recipients), b"".join(lines)))
        return refusal or "250 taken"
