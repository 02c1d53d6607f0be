#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A small mail server for one's own machine: it takes every mail, writes each into a folder as
1.eml, 2.eml … and prints the dialogue (C: client, S: server).

Listens on 127.0.0.1, on a port that the kernel picks. Its first line of output is that address;
from then on connections are taken. Runs until it is told to end, or for --sessions connections."""

import argparse
import signal
import socketserver
import sys
from pathlib import Path

# RFC 5321 §4.5.3.1.6 asks for 1000 octets; others send longer lines, and so is more taken here.
LINE_MAX = 64 * 1024
MESSAGE_MAX = 64 * 1024 * 1024
# A client that says nothing for so long is left.
SILENCE_MAX = 60
# Body lines that are shown of each mail.
SHOWN_LINES = 12


class Broken(Exception):
    """The connection is of no more use."""


class Session(socketserver.StreamRequestHandler):
    timeout = SILENCE_MAX

    def handle(self) -> None:
        self.reset()
        try:
            self.say("220 sink.example ESMTP")
            while self.command():
                pass
        except (Broken, OSError) as error:
            print(f"*: {error or 'connection lost'}", flush=True)
        self.server.session_ended()

    def reset(self) -> None:
        self.sender: str | None = None
        self.recipients: list[str] = []

    def say(self, *lines: str) -> None:
        for number, line in enumerate(lines):
            if number < len(lines) - 1:
                line = line[:3] + "-" + line[4:]
            print(f"S: {line}", flush=True)
            self.wfile.write(line.encode() + b"\r\n")

    def line(self) -> bytes:
        line = self.rfile.readline(LINE_MAX)
        if not line.endswith(b"\n"):
            raise Broken("line too long" if len(line) == LINE_MAX else "client has gone")
        return line

    def command(self) -> bool:
        """Answers one command; False after the last."""
        text = self.line().decode("utf-8", "replace").rstrip("\r\n")
        print(f"C: {text}", flush=True)
        verb, _, rest = text.partition(" ")
        answer = self.COMMANDS.get(verb.upper())
        if answer is None:
            self.say("500 5.5.1 unknown command")
            return True
        answer(self, rest)
        return verb.upper() != "QUIT"

    def helo(self, _rest: str) -> None:
        self.reset()
        self.say("250 sink.example")

    def ehlo(self, _rest: str) -> None:
        self.reset()
        self.say(
            "250 sink.example",
            "250 PIPELINING",
            "250 8BITMIME",
            f"250 SIZE {MESSAGE_MAX}",
            "250 ENHANCEDSTATUSCODES",
        )

    def mail(self, rest: str) -> None:
        if not rest.upper().startswith("FROM:"):
            self.say("501 5.5.4 MAIL FROM:<address>")
        elif self.sender is not None:
            self.say("503 5.5.1 sender given already")
        else:
            self.sender = rest[5:].strip()
            self.say("250 2.1.0 sender ok")

    def rcpt(self, rest: str) -> None:
        if not rest.upper().startswith("TO:"):
            self.say("501 5.5.4 RCPT TO:<address>")
        elif self.sender is None:
            self.say("503 5.5.1 MAIL first")
        else:
            self.recipients.append(rest[3:].strip())
            self.say("250 2.1.5 recipient ok")

    def data(self, _rest: str) -> None:
        if not self.recipients:
            self.say("503 5.5.1 RCPT first")
            return
        self.say("354 end with a dot")
        size = 0
        text = []
        while (line := self.line()) != b".\r\n":
            # RFC 5321 §4.5.2
            line = line.removeprefix(b".")
            size += len(line)
            if size <= MESSAGE_MAX:
                text.append(line)
        show(text)
        if size > MESSAGE_MAX:
            self.say("552 5.3.4 message too big")
        else:
            name = self.server.store(b"".join(text))
            self.say(f"250 2.0.0 stored as {name}")
        self.reset()

    def rset(self, _rest: str) -> None:
        self.reset()
        self.say("250 2.0.0 ok")

    def noop(self, _rest: str) -> None:
        self.say("250 2.0.0 ok")

    def quit(self, _rest: str) -> None:
        self.say("221 2.0.0 bye")

    COMMANDS = {
        "HELO": helo,
        "EHLO": ehlo,
        "MAIL": mail,
        "RCPT": rcpt,
        "DATA": data,
        "RSET": rset,
        "NOOP": noop,
        "QUIT": quit,
    }


class Server(socketserver.TCPServer):
    def __init__(self, folder: Path, sessions: int | None) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.folder = folder
        self.sessions_left = sessions
        self.stored = 0

    def store(self, text: bytes) -> str:
        self.stored += 1
        name = f"{self.stored}.eml"
        (self.folder / name).write_bytes(text)
        return name

    def session_ended(self) -> None:
        if self.sessions_left is not None:
            self.sessions_left -= 1

    def run(self) -> None:
        while self.sessions_left is None or self.sessions_left > 0:
            self.handle_request()


def show(text: list[bytes]) -> None:
    for line in text[:SHOWN_LINES]:
        print("C: " + line.decode("utf-8", "replace").rstrip("\r\n"), flush=True)
    if len(text) > SHOWN_LINES:
        print(f"C: ({len(text) - SHOWN_LINES} more lines)", flush=True)
    print("C: .", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sessions", type=int, help="end after so many connections")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server(arguments.folder, arguments.sessions) as server:
        host, port = server.server_address
        print(f"{host}:{port}", flush=True)
        server.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
