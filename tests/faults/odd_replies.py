#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replies in odd forms, wherever a session waits for one: lines and replies around each bound, many
lines, no line end, lone CR and LF, NUL, 8-bit, and what is sent octet by octet. Whatever the form,
    - what the server told is not lost: a refusal is the status, a mail that was taken is reported so,
    - what it did not tell is not made up: no other mail counts as sent.

    tests/faults/odd_replies.py [--build BUILD] [--seed N]    BUILD holds libesmtp.so.6 (default: build)"""

import argparse
import contextlib
import ctypes
import itertools
import random
import socket
import sys
import unittest
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "real"))

from mail_server import MailServer, Over, Session, verb_of  # noqa: E402

build = Path(__file__).resolve().parents[2] / "build"
seed = 1
# Forms that are put together by chance.
RANDOM = 400
POSITIONS = ("greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "text", "QUIT")
USUAL = {"greeting": 220, "AUTH": 235, "DATA": 354, "QUIT": 221}
# The bounds of a line and of a reply, and lengths at which others have theirs.
LINE, REPLY, EMPTY_LINES = 12_288, 65_536, 8
LENGTHS = (5, 510, 511, 512, 513, 514, 998, 999, 1000, 1001, 1023, 1024, 4095, 4096, 4097)
LIMIT = 60_000
PLUGIN_PLAIN = 2


@dataclass
class Form:
    """A reply and whether it is one: what it says counts if it is `good`, and a refusal always."""

    octets: bytes
    good: bool
    # The server hangs up behind it: a client may be waiting for more.
    closes: bool = False
    name: str = ""


def line(code: int, length: int, fill: bytes = b"x") -> bytes:
    """A line of so many octets, its end not counted."""
    start = b"%d " % code
    return (start + fill * length)[:length] + b"\r\n"


def lines(code: int, count: int, length: int) -> bytes:
    more = (b"%d-" % code + b"x" * length)[:length] + b"\r\n"
    return more * (count - 1) + line(code, length)


def forms(code: int) -> list[Form]:
    found = [Form(line(code, length), True, name=f"line of {length}") for length in LENGTHS]
    for length in (LINE - 1, LINE, LINE + 1, REPLY - 1, REPLY, REPLY + 1):
        found.append(Form(line(code, length), length <= LINE, closes=length > LINE, name=f"line of {length}"))
    for count in (2, 3, 50, 999, 1000):
        found.append(Form(lines(code, count, 20), True, name=f"{count} lines"))
    # A reply of 64 lines of 1,024 octets is as long as one may be.
    for count in (63, 64, 65):
        found.append(Form(lines(code, count, REPLY // 64), count <= 64, closes=count > 64, name=f"{count} long lines"))
    for count in (1, EMPTY_LINES):
        found.append(Form(b"\r\n" * count + b"%d ok\r\n" % code, True, name=f"{count} empty lines"))
    text = b"%d " % code
    found += [
        Form(b"%d\r\n" % code, True, name="no text"),
        Form(text + b"\r\n", True, name="a blank"),
        Form(text + b"a\n", True, name="a lone LF"),
        Form(text + b"a\rb\r\n", True, name="a lone CR inside"),
        Form(text + b"gr\xfc\xdfe \xff\xc3\r\n", True, name="8-bit"),
        Form(b"%d-2.0.0 ok\r\n%d 2.6.0 queued\r\n" % (code, code), True, name="two enhanced codes"),
        Form(text + b"never", False, closes=True, name="no line end"),
        Form(b"%d-one\r\n" % code, False, closes=True, name="no last line"),
        Form(b"%d-one\r\n%d tw" % (code, code), False, closes=True, name="no end of the last line"),
    ]
    return found


def doubtful(code: int) -> list[Form]:
    """No replies, or hardly; all that counts is that nothing is made up."""
    text = b"%d" % code
    return [
        Form(octets, False, closes=True, name=repr(octets[:40]))
        for octets in (
            text[:1],
            text[:2],
            text,
            text + b"-",
            text + b"\tok\r\n",
            text + b"9 ok\r\n",
            b" " + text + b" ok\r\n",
            text + b" a\0b\r\n",
            text + b" a\r",
            text + b"-a\r\n" + b"%d b\r\n" % (code + 1),
            text + b"-a\r\nb\r\n",
            b"\r\n" * (EMPTY_LINES + 1) + text + b" ok\r\n",
            b"\0" * 100,
            b"\xff\xfe\xfd\r\n",
            b"\r" * 2000,
            b"\n" * 2000,
            b"HTTP/1.1 200 OK\r\n\r\n",
        )
    ]


def by_chance(chance: random.Random, code: int) -> Form:
    """Lines of any length, perhaps cut off somewhere."""
    count = chance.choice((1, 1, 2, 3, 10, 60))
    parts = []
    for number in range(count):
        fill = bytes(chance.choice(b"abc \t-\x80\xc3\xa9\xff") for _ in range(8))
        mark = b" " if number == count - 1 else b"-"
        parts.append(b"%d%s" % (code, mark) + (fill * 1600)[: chance.choice((0, 1, 500, 1000, 4096, 12_284))] + b"\r\n")
    octets = b"".join(parts)
    good = len(octets) - 2 * count <= REPLY
    if chance.random() < 0.3:
        octets = octets[: chance.randrange(4, len(octets))]
        good = False
    return Form(octets, good, closes=not good, name=f"by chance {len(octets)} octets, {count} lines")


class Server(MailServer):
    """One session in which one reply has an odd form."""

    def __init__(self, position: str, form: Form, code: int, octetwise: bool):
        super().__init__(offers=("AUTH PLAIN",))
        self.position = position
        self.form = form
        self.code = code
        self.octetwise = octetwise

    @property
    def took(self) -> bool:
        return len(self.mails) > 0 and (self.position != "text" or self.form.good)

    def is_odd(self, place: str) -> bool:
        return self.position in (place, verb_of(place))

    def answer(self, line: str) -> str | None:
        """What the odd reply says."""
        if self.is_odd(line):
            return f"{self.code} odd"
        # So that a refused AUTH is what the program must learn of.
        if self.position == "AUTH" and self.code >= 400 and verb_of(line) == "MAIL":
            return "530 authenticate first"
        return None

    def say(self, session: Session, place: str, reply: str) -> None:
        if not self.is_odd(place):
            super().say(session, place, reply)
            return
        octets = self.form.octets
        for piece in [octets[at : at + 1] for at in range(len(octets))] if self.octetwise else [octets]:
            session.client.sendall(piece)
        if self.form.closes:
            raise Over

    def serve(self, client: socket.socket, number: int) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(Over):
            super().serve(client, number)
        # What is not read would reset the connection, and what was said could be lost.
        client.shutdown(socket.SHUT_WR)
        while client.recv(65_536):
            pass


class Status(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_int),
        ("text", ctypes.c_char_p),
        ("enhanced", ctypes.c_int * 3),
    ]


class Request(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("flags", ctypes.c_uint),
        ("prompt", ctypes.c_char_p),
        ("size", ctypes.c_uint),
    ]


Interact = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(Request), ctypes.POINTER(ctypes.c_char_p), ctypes.c_int, ctypes.c_void_p
)
WORD = ctypes.create_string_buffer(b"word")


@Interact
def interact(_requests, results, fields, _arg) -> int:
    for at in range(fields):
        results[at] = ctypes.cast(WORD, ctypes.c_char_p)
    return 1


class Library:
    """The functions of the library that are needed here."""

    def __init__(self, path: Path):
        self.library = ctypes.CDLL(str(path))
        for name in ("smtp_create_session", "smtp_add_message", "smtp_add_recipient", "auth_create_context"):
            getattr(self.library, name).restype = ctypes.c_void_p
        for name in ("message_transfer", "reverse_path", "recipient"):
            getattr(self.library, f"smtp_{name}_status").restype = ctypes.POINTER(Status)
        self.library.smtp_set_timeout.restype = ctypes.c_long
        self.library.auth_client_init()
        self.callback = ctypes.cast(self.library._smtp_message_str_cb, ctypes.c_void_p)

    def send(self, port: int, auth: bool) -> "Told":
        call = self.library
        session = ctypes.c_void_p(call.smtp_create_session())
        call.smtp_set_server(session, b"127.0.0.1:%d" % port)
        call.smtp_set_hostname(session, b"client.example")
        for which in range(5):
            call.smtp_set_timeout(session, 0x1000 | which, ctypes.c_long(LIMIT))
        context = ctypes.c_void_p(call.auth_create_context())
        if auth:
            call.auth_set_mechanism_flags(context, PLUGIN_PLAIN, 0)
            call.auth_set_interact_cb(context, interact, None)
            call.smtp_auth_set_context(session, context)
        message = ctypes.c_void_p(call.smtp_add_message(session))
        call.smtp_set_reverse_path(message, b"a@example.org")
        call.smtp_set_messagecb(message, self.callback, TEXT)
        recipient = ctypes.c_void_p(call.smtp_add_recipient(message, b"b@example.org"))
        result = call.smtp_start_session(session)
        told = Told(
            result,
            call.smtp_message_transfer_status(message).contents.code,
            call.smtp_reverse_path_status(message).contents.code,
            call.smtp_recipient_status(recipient).contents.code,
            call.smtp_recipient_check_complete(recipient),
        )
        call.smtp_destroy_session(session)
        call.auth_destroy_context(context)
        return told


TEXT = ctypes.create_string_buffer(b"Subject: odd\r\n\r\ntext\r\n")


@dataclass
class Told:
    """What the program learns."""

    result: int
    transfer: int
    path: int
    recipient: int
    complete: int

    @property
    def sent(self) -> bool:
        return 200 <= self.transfer < 300 and self.complete == 1


class OddReplies(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.library = Library(build / "libesmtp.so.6")

    def session(self, position: str, code: int, form: Form, octetwise: bool = False) -> tuple[Server, Told]:
        with Server(position, form, code, octetwise) as server:
            told = self.library.send(server.port, auth=position == "AUTH")
            (thread,) = server.threads
            thread.join(LIMIT / 1000)
            self.assertFalse(thread.is_alive(), "the session is over, the connection is not")
        return server, told

    def check(self, position: str, code: int, form: Form, octetwise: bool = False, certain: bool = True) -> None:
        server, told = self.session(position, code, form, octetwise)
        about = f"{position} {code}, {form.name}, {told}, {server.verbs}"
        self.assertEqual(told.sent, server.took, about)
        if not server.took:
            self.assertFalse(200 <= told.transfer < 300, about)
            self.assertFalse(told.complete and told.recipient < 500, about)
        if not certain:
            return
        if code < 400:
            # A reply that is one keeps nothing from going on.
            if form.good:
                self.assertTrue(server.took, about)
                self.assertEqual(told.result, 1, about)
        elif position == "RCPT":
            self.assertEqual(told.recipient, code, about)
        elif position == "MAIL":
            self.assertEqual((told.path, told.transfer), (code, code), about)
        elif position == "EHLO":
            # After a 5xx that is well formed HELO follows.
            self.assertTrue(server.took if code >= 500 and form.good else told.transfer == code, about)
        elif position != "QUIT":
            self.assertEqual(told.transfer, code, about)

    def codes(self, position: str) -> tuple[int, ...]:
        return (USUAL.get(position, 250), 450, 550)

    def test_forms(self) -> None:
        for position in POSITIONS:
            for code in self.codes(position):
                for form in forms(code):
                    with self.subTest(position=position, code=code, form=form.name):
                        self.check(position, code, form)

    def test_octet_by_octet(self) -> None:
        for position, form_of in itertools.product(POSITIONS, (0, 1)):
            for code in self.codes(position):
                octets = (b"%d ok\r\n" % code, b"%d-one\r\n%d two\r\n" % (code, code))[form_of]
                with self.subTest(position=position, code=code, octets=octets):
                    self.check(position, code, Form(octets, True), octetwise=True)

    def test_cut_off_at_each_octet(self) -> None:
        """From the blank behind the code on it is a refusal, and never more than that."""
        for position in POSITIONS:
            for code in self.codes(position):
                whole = b"%d-one\r\n%d two\r\n" % (code, code)
                for length in range(1, len(whole)):
                    form = Form(whole[:length], False, closes=True, name=repr(whole[:length]))
                    with self.subTest(position=position, code=code, form=form.name):
                        self.check(position, code, form, certain=length > 3)

    def test_what_is_no_reply(self) -> None:
        for position in POSITIONS:
            for code in self.codes(position):
                for form in doubtful(code):
                    with self.subTest(position=position, code=code, form=form.name):
                        self.check(position, code, form, certain=False)

    def test_by_chance(self) -> None:
        chance = random.Random(seed)
        for _ in range(RANDOM):
            position = chance.choice(POSITIONS)
            code = chance.choice(self.codes(position))
            form = by_chance(chance, code)
            with self.subTest(position=position, code=code, form=form.name):
                self.check(position, code, form)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=Path, default=build)
    parser.add_argument("--seed", type=int, default=seed)
    arguments, others = parser.parse_known_args()
    build, seed = arguments.build.resolve(), arguments.seed
    unittest.main(argv=["odd_replies.py", "--verbose", *others])
