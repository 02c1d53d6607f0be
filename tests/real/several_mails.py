#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several mails in one session with Postfix and with Exim, some of which are refused at some point,
whatever the server offers: each mail reaches its own recipients and nobody else, and none goes by
BDAT, which is for BINARYMIME bodies only. Neither server offers that.

    tests/real/several_mails.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)"""

import itertools
import os
import random
import re
import tempfile
import unittest
from pathlib import Path

import exim
import harness
from rules import LATER, REFUSED, EximWithRules, PostfixWithRules
from several import Letter, Outcome, Several

SENDER = "sender@example.net"
# As in enum e8bitmime_body.
EIGHT_BIT, BINARY = 2, 3
EXTENSION_NOT_AVAILABLE = 8

# What the server offers.
MODES = {
    "nothing": (),
    "PIPELINING": ("PIPELINING",),
    "CHUNKING": ("CHUNKING",),
    "both": ("CHUNKING", "PIPELINING"),
}


def lines(*more: bytes, head: bytes = b"") -> bytes:
    return head + b"\r\n" + b"".join(line + b"\r\n" for line in more)


TEXTS = {
    "short": lines(b"short"),
    "8 bit": lines("Grüße, 日本語".encode(), bytes(range(128, 256))),
    "dots": lines(b".", b"..", b".dot", b"", b".", b"BDAT 3 LAST", b"RSET"),
    "LF only": b"\nlines\n\n.\nwith LF\n.dot\n",
    "long lines": lines(b"x" * 100_000, b"." * 3000),
    "no line end": b"\r\nthe end has none",
    "empty": b"\r\n",
    "100 KB": lines(*[b"%08d of many lines" % n for n in range(4000)]),
    "5 MB": lines(*[b"%08d " % n + b"5 MB " * 12 for n in range(75_000)]),
}
FAR_TOO_LONG = lines(*[b"%08d " % n + b"too long " * 7 for n in range(100_000)])
REFUSED_LATE = lines(*[b"%08d before" % n for n in range(8000)], b"refuse this")


class Site(unittest.TestCase):
    """One server for all tests of a class. A subclass says which."""

    server_class: type[PostfixWithRules | EximWithRules]
    kinds = ("taken for some", "MAIL", "RCPT", "header", "length", "last line", "later")
    refuse = staticmethod(lambda: None if os.geteuid() == 0 else "the servers run as root only")

    @classmethod
    def setUpClass(cls) -> None:
        # Raised here it would not count as a test that was skipped.
        cls.missing = cls.refuse()
        if cls.missing is None:
            cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="several-")))
            cls.several = Several(cls.folder, harness.build)
            cls.server = cls.enterClassContext(cls.server_class())
            cls.names = (f"m{number}" for number in itertools.count())

    def setUp(self) -> None:
        if self.missing is not None:
            self.skipTest(self.missing)

    def letter(
        self,
        kind: str,
        text: bytes = TEXTS["short"],
        recipients: int = 2,
        body: int = 0,
    ) -> Letter:
        """A kind says at which point the message is refused."""
        server = self.server
        name = next(self.names)
        sender, head, code = SENDER, b"", 250
        accepted = [f"{name}-{n}@example.org" for n in range(recipients)]
        refused = [f"{name}-x@elsewhere.example"]
        match kind:
            case "taken":
                refused = []
            case "taken for some":
                pass
            case "MAIL":
                sender, code = REFUSED, server.refuse_sender
            case "RCPT":
                # DATA is sent all the same, and its reply is what became of the message.
                accepted, code = [], server.no_recipient
            case "header":
                head, code = b"X-Refuse: yes\r\n", server.refuse_header
            case "length":
                text, code = FAR_TOO_LONG, server.too_long
            case "last line":
                text, code = REFUSED_LATE, server.refuse_word
            case "later":
                sender, code = LATER, 451
            case _:
                raise ValueError(kind)
        file = self.folder / name
        line_end = b"\n" if text.startswith(b"\n") else b"\r\n"
        own = (
            f"From: <{sender}>\r\nTo: <all@example.org>\r\nSubject: {name}\r\n"
            "Date: Thu, 01 Jan 2026 12:00:00 +0000\r\n"
            f"Message-Id: <{name}@example.net>\r\nX-Kind: {kind}\r\n"
        )
        file.write_bytes((own.encode() + head).replace(b"\r\n", line_end) + text)

        letter = Letter(name, kind, sender, [*refused, *accepted], file, code, body=body)
        if kind == "MAIL":
            letter.statuses = {mailbox: (0, code) for mailbox in letter.recipients}
        else:
            complete = 0 if code == 451 else 1
            letter.statuses = {mailbox: (complete, code) for mailbox in accepted}
            letter.statuses |= {mailbox: (1, server.refuse_recipient) for mailbox in refused}
        if code == 250:
            letter.reaches = accepted
        return letter

    def delivered(self) -> list[tuple[str, str, bytes]]:
        """Recipient, sender and text of each mail; they are taken out of the mailbox."""
        self.server.deliver()
        mails = []
        for file in self.server.inbox.glob("new/*"):
            mail = file.read_bytes()
            file.unlink()
            head, _, text = mail.partition(b"\nFrom: ")
            to = re.search(rb"^(?:X-Original-To|Envelope-to): (.*)$", head, re.M | re.I)
            sender = re.search(rb"^Return-path: <(.*)>$", head, re.M | re.I)
            mails.append((to.group(1).decode(), sender.group(1).decode(), b"From: " + text))
        return sorted(mails)

    def send(self, letters: list[Letter], keywords: tuple[str, ...], starts: int = 1) -> Outcome:
        self.server.offer(*keywords)
        outcome = self.several(self.server.port, letters, starts)
        delivered = self.delivered()
        self.check_statuses(letters, outcome)
        self.check_delivery(letters, delivered, outcome)
        self.assertEqual(outcome.result, (1, 0), outcome)
        self.check_dialogue(outcome, keywords)
        return outcome

    def check_statuses(self, letters: list[Letter], outcome: Outcome) -> None:
        for letter in letters:
            got = outcome.codes[letter.name], outcome.statuses[letter.name]
            self.assertEqual(got, (letter.code, letter.statuses), f"{letter}{outcome}")

    def check_delivery(self, letters: list[Letter], delivered: list, outcome: Outcome) -> None:
        expected = sorted(
            (mailbox, letter.sender, letter.as_delivered()) for letter in letters for mailbox in letter.reaches
        )
        # Texts are long: who got one first.
        self.assertEqual([mail[:2] for mail in delivered], [mail[:2] for mail in expected], outcome)
        for got, wanted in zip(delivered, expected, strict=True):
            self.assertTrue(got == wanted, f"not as sent: {got[0]}: {got[2][:2000]!r}")

    def check_dialogue(self, outcome: Outcome, keywords: tuple[str, ...]) -> None:
        for start in outcome.starts:
            for transaction in start.transactions:
                if transaction.overlapped:
                    self.assertTrue(transaction.begins_with_rset, outcome)
                    self.assertIn("PIPELINING", keywords)
        last = outcome.starts[-1]
        self.assertEqual(last.unanswered, [], outcome)
        offered = {keyword for keyword in ("CHUNKING", "PIPELINING") if last.offers(keyword)}
        self.assertEqual(offered, set(keywords), outcome)
        commands = {command.split()[0] for command, _ in last.answers}
        self.assertNotIn("BDAT", commands, outcome)
        self.assertIn("DATA", commands, outcome)
        resets = {answer[:3] for command, answer in last.answers if command == "RSET"}
        self.assertLessEqual(resets, {"250"}, outcome)


class World(Site):
    """What holds with every server."""

    def test_each_kind_between_two_that_are_taken(self) -> None:
        for mode, keywords in MODES.items():
            with self.subTest(mode):
                letters = [self.letter("taken")]
                for kind in self.kinds:
                    letters += [self.letter(kind), self.letter("taken", recipients=3)]
                outcome = self.send(letters, keywords)
                deepest = max(each.overlapped for each in outcome.starts[0].transactions)
                self.assertEqual(deepest, 1 if "PIPELINING" in keywords else 0, outcome)

    def test_any_order(self) -> None:
        kinds = ["taken", *(kind for kind in self.kinds if kind != "length")]
        texts = [text for text in TEXTS.values() if len(text) < 1_000_000]
        for seed in range(2):
            with self.subTest(seed=seed):
                chance = random.Random(seed)
                letters = [
                    self.letter(chance.choice(kinds), chance.choice(texts), chance.randint(1, 4)) for _ in range(25)
                ]
                letters.insert(chance.randint(0, 25), self.letter("length"))
                self.send(letters, MODES["both"])

    def test_texts(self) -> None:
        for mode, keywords in MODES.items():
            with self.subTest(mode):
                letters = [
                    self.letter("taken", text, body=EIGHT_BIT if name == "8 bit" else 0) for name, text in TEXTS.items()
                ]
                self.send(letters, keywords)

    def test_many_refused_in_a_row(self) -> None:
        for kind in ("MAIL", "RCPT", "header", "later"):
            with self.subTest(kind):
                letters = [self.letter(kind) for _ in range(20)]
                self.send([*letters, self.letter("taken")], MODES["both"])

    def test_round_trips(self) -> None:
        """MAIL, RCPT and DATA leave together, and for all but the first mail behind the text of the
        one before: one for each, and EHLO, the last text, QUIT."""
        for keywords in (MODES["PIPELINING"], MODES["both"]):
            letters = [self.letter("taken", recipients=3) for _ in range(10)]
            outcome = self.send(letters, keywords)
            self.assertEqual(outcome.starts[0].round_trips, len(letters) + 3, outcome)

    def test_binary_without_binarymime(self) -> None:
        """The text is not sent as something else."""
        self.server.offer(*MODES["both"])
        letter = self.letter("taken", body=BINARY)
        outcome = self.several(self.server.port, [letter])
        self.assertEqual(outcome.result, (0, EXTENSION_NOT_AVAILABLE))
        self.assertEqual(outcome.codes, {letter.name: 0})
        self.assertEqual(self.delivered(), [])
        self.assertEqual(outcome.starts[0].transactions, [])


class PostfixAsItComes(PostfixWithRules):
    """With the limits for errors that Postfix has of its own: it slows down at 10, hangs up at 20."""

    def __init__(self):
        super().__init__()
        for name in list(self.settings):
            if name == "smtpd_error_sleep_time" or (name.startswith("smtpd_") and name.endswith("_limit")):
                del self.settings[name]


class WithLimits(Site):
    """A refused MAIL makes errors of what is written behind it, and Postfix bears few."""

    server_class = PostfixAsItComes

    def test_a_refused_sender_does_not_keep_others_back(self) -> None:
        for keywords in MODES.values():
            for messages, recipients in ((1, 30), (5, 2)):
                with self.subTest(keywords=keywords, messages=messages):
                    self.server.offer(*keywords)
                    letters = [self.letter("MAIL", recipients=recipients) for _ in range(messages)]
                    letters.append(self.letter("taken"))
                    outcome = self.several(self.server.port, letters, 1)
                    self.assertEqual(outcome.starts[0].result[0], 1)
                    self.assertEqual(len(self.delivered()), len(letters[-1].recipients))


class WithPostfix(World):
    server_class = PostfixWithRules


class WithExim(World):
    server_class = EximWithRules

    @staticmethod
    def refuse() -> str | None:
        return World.refuse() or (None if exim.is_unpacked() else "no Exim here (see tests/real/fetch_packages.sh)")

    def setUp(self) -> None:
        super().setUp()
        self.server.nonmail = 1000

    def test_what_it_takes_for_too_many_resets(self) -> None:
        """The session ends, nothing is lost, and the next start goes on."""
        self.server.nonmail = 10
        letters = [self.letter("RCPT") for _ in range(20)]
        outcome = self.send([*letters, self.letter("taken")], MODES["both"], starts=3)
        self.assertGreater(len(outcome.starts), 1)


def load_tests(loader: unittest.TestLoader, *_) -> unittest.TestSuite:
    # World itself is none.
    cases = [*World.__subclasses__(), WithLimits]
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases)


if __name__ == "__main__":
    harness.main(__doc__, World)
