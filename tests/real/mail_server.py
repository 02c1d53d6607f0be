# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mail server that says no where a test wants it to, and keeps what it takes."""

import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from listening import Listening, tls_of

# What is answered to a command line, to "greeting", or to "text" (the end of one). None = as usual; of several, all but
# the first are for what the client says to the one before.
Answer = Callable[[str], str | list[str] | None]
END = b"\r\n.\r\n"
# Of a longer text only the beginning is kept.
KEPT = 1 << 20


class Over(ConnectionAbortedError):
    """Nothing more is said."""


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


def verb_of(line: str) -> str:
    return line.partition(" ")[0].upper()


class MailServer(Listening):
    """`with MailServer(answer) as server: … server.port … server.mails`. With a certificate it has STARTTLS."""

    # In the middle of a text of more octets.
    hangs_up_after: int | None = None

    def __init__(
        self, answer: Answer | None = None, offers: tuple[str, ...] = (), certificate: Path | None = None
    ) -> None:
        super().__init__()
        if answer is not None:
            self.answer = answer
        self.offers = offers
        self.tls = tls_of(certificate) if certificate else None
        self.commands: list[str] = []
        self.mails: list[Mail] = []

    @property
    def verbs(self) -> list[str]:
        return [verb_of(line) for line in self.commands]

    def answer(self, line: str) -> str | list[str] | None:
        return None

    def say(self, session: "Session", place: str, reply: str) -> None:
        """`place` is what is answered, as for Answer."""
        session.client.sendall(f"{reply}\r\n".encode())

    def serve(self, client: socket.socket, number: int) -> None:
        if Session(self, client).wants_tls():
            with self.tls.wrap_socket(client, server_side=True) as secured:
                Session(self, secured).wants_tls()


class Session:
    """One client's, before TLS or in it."""

    def __init__(self, server: MailServer, client: socket.socket) -> None:
        self.server = server
        self.client = client
        self.sender = ""
        self.recipients: list[str] = []
        # To what is no command.
        self.replies: list[str] = []

    @property
    def secure(self) -> bool:
        return isinstance(self.client, ssl.SSLSocket)

    def wants_tls(self) -> bool:
        """Talks until the client goes, or wants TLS."""
        with self.client.makefile("rb", buffering=1 << 16) as self.pending:
            if not self.secure:
                self.say("greeting", self.reply("greeting"))
            while octets := self.pending.readline():
                line = octets.decode(errors="replace").rstrip("\r\n")
                self.server.commands.append(line)
                reply = self.replies.pop(0) if self.replies else self.reply(line)
                self.say(line, reply)
                match verb_of(line), reply[:1]:
                    case "STARTTLS", "2":
                        return True
                    case "MAIL", "2":
                        self.sender, self.recipients = address(line), []
                    case "RCPT", "2":
                        self.recipients.append(address(line))
                    case "DATA", "3":
                        self.say("text", self.take(self.text()))
                    case "QUIT", _:
                        break
        return False

    def say(self, place: str, reply: str) -> None:
        self.server.say(self, place, reply)

    def reply(self, place: str) -> str:
        answer = self.server.answer(place) or self.usual(place)
        reply, *self.replies = [answer] if isinstance(answer, str) else answer
        return reply

    def usual(self, place: str) -> str:
        match verb_of(place):
            case "GREETING":
                return "220 mail.example"
            case "EHLO":
                starttls = ["STARTTLS"] if self.server.tls and not self.secure else []
                *lines, last = ["mail.example", *self.server.offers, *starttls]
                return "".join(f"250-{line}\r\n" for line in lines) + f"250 {last}"
            case "STARTTLS":
                return "220 go ahead"
            case "AUTH":
                return "235 welcome"
            case "DATA":
                return "354 go on" if self.recipients else "503 nobody wants it"
            case "TEXT":
                return "250 taken"
            case "QUIT":
                return "221 bye"
        return "250 fine"

    def text(self) -> bytes:
        """Up to the dot; what came behind it is the next command."""
        # The CRLF of the command counts for a text that begins with its end.
        text, total = bytearray(b"\r\n"), 0
        while block := self.pending.peek():
            before = len(text)
            text += block
            end = text.find(END, max(0, before - len(END) + 1))
            if end >= 0:
                self.pending.read(end + len(END) - before)
                return bytes(text[2 : end + 2])
            total += len(self.pending.read(len(block)))
            if self.server.hangs_up_after is not None and total > self.server.hangs_up_after:
                raise Over
            # The end may have begun.
            del text[KEPT : -len(END)]
        raise Over

    def take(self, text: bytes) -> str:
        reply = self.reply("text")
        if reply.startswith("2"):
            text = text.replace(b"\r\n.", b"\r\n").removeprefix(b".")
            self.server.mails.append(Mail(self.sender, tuple(self.recipients), text))
        return reply


def address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
