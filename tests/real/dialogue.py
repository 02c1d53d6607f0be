#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""README.md's picture of a dialogue: two mails in a session, with Debian's libesmtp6 and with this one, to a server
that offers PIPELINING. Each line is what the client says before it waits for the server.

    tests/real/dialogue.py [--build BUILD] [--write]

Without --write it says whether README.md shows what was said. BUILD holds libesmtp.so.6 (default: build)."""

import argparse
import ctypes
import ctypes.util
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARKS = ("<!-- dialogue: written by tests/real/dialogue.py --write -->", "<!-- end of dialogue -->")
SECONDS = 30


def serve(listener: socket.socket, flights: list[list[str]]) -> None:
    """Takes one session. What the client says until it has to wait is one piece: a write of a few hundred octets
    arrives whole on the loopback."""
    connection, _ = listener.accept()
    connection.settimeout(SECONDS)
    rest, in_text = b"", False
    with connection:
        connection.sendall(b"220 mail.example ESMTP\r\n")
        while piece := connection.recv(65536):
            *lines, rest = (rest + piece).split(b"\r\n")
            said: list[str] = []
            answer = b""
            for line in lines:
                reply, in_text = answer_to(line, in_text, said)
                answer += reply
            flights.append(said)
            connection.sendall(answer)


def answer_to(line: bytes, in_text: bool, said: list[str]) -> tuple[bytes, bool]:
    """The reply to a line, and whether the next is one of a text."""
    if in_text:
        if line != b".":
            return b"", True
        said.append("text")
        return b"250 2.0.0 taken\r\n", False
    verb = line.split()[0].decode().upper()
    said.append(verb)
    match verb:
        case "EHLO":
            return b"250-mail.example\r\n250 PIPELINING\r\n", False
        case "DATA":
            return b"354 go on\r\n", True
        case "QUIT":
            return b"221 2.0.0 bye\r\n", False
    return b"250 2.1.0 ok\r\n", False


def send(library: str, address: str) -> None:
    """Two mails with two recipients each, as a C program would send them. In a process of its own."""
    esmtp = ctypes.CDLL(library)
    for name in ("smtp_create_session", "smtp_add_message", "smtp_add_recipient"):
        getattr(esmtp, name).restype = ctypes.c_void_p
    session = ctypes.c_void_p(esmtp.smtp_create_session())
    esmtp.smtp_set_server(session, address.encode())
    esmtp.smtp_set_hostname(session, b"client.example")
    texts = [ctypes.create_string_buffer(f"Subject: {name}\r\n\r\nhello\r\n".encode()) for name in ("one", "two")]
    for text in texts:
        message = ctypes.c_void_p(esmtp.smtp_add_message(session))
        esmtp.smtp_set_reverse_path(message, b"me@example.net")
        for recipient in (b"you@example.org", b"them@example.org"):
            esmtp.smtp_add_recipient(message, recipient)
        # What smtp_set_message_str() is in C.
        esmtp.smtp_set_messagecb(message, esmtp._smtp_message_str_cb, text)
    if not esmtp.smtp_start_session(session):
        sys.exit("not sent")
    esmtp.smtp_destroy_session(session)


def flights_of(library: str) -> list[list[str]]:
    flights: list[list[str]] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        server = threading.Thread(target=serve, args=(listener, flights))
        server.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        command = [sys.executable, __file__, "--send", library, address]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
        server.join()
    return flights


def picture(theirs: list[list[str]], ours: list[list[str]]) -> str:
    """Side by side; each arrow is a round trip."""
    columns = []
    for title, flights in (("libESMTP 1.1.0", theirs), ("libesmtp-rs", ours)):
        lines = [" ".join(said).replace("RCPT RCPT", "RCPT RCPT") for said in flights]
        columns.append([title, *(f"{line:<34} ⇄" for line in lines), f"{len(lines)} round trips"])
    height = max(map(len, columns))
    rows = zip(*(column[:-1] + [""] * (height - len(column)) + column[-1:] for column in columns), strict=True)
    return "\n".join(["```text", *(f"{left:<42}{right}".rstrip() for left, right in rows), "```"])


def reference() -> str | None:
    """Debian's library, wherever its architecture keeps it."""
    cache = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True).stdout
    found = re.search(r"^\s*libesmtp\.so\.6 .*=> (\S+)$", cache, re.MULTILINE)
    return found[1] if found else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--send", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.send:
        send(*arguments.send)
        return 0
    theirs = reference()
    if theirs is None:
        print("skipped: Debian's libesmtp6 is not installed\nSkipped: 1")
        return 0
    shown = picture(flights_of(theirs), flights_of(str(arguments.build.resolve() / "libesmtp.so.6")))
    readme = ROOT / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    new = f"{before}{MARKS[0]}\n{shown}\n{MARKS[1]}{after}"
    if arguments.write:
        readme.write_text(new, encoding="utf-8")
    print(shown)
    if new != readme.read_text(encoding="utf-8"):
        print("README.md shows something else: tests/real/dialogue.py --write")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
