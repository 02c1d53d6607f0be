#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes programs by chance: functions in any order, several messages, headers of each sort, texts of each source,
starts again, callbacks that call back. They run with libESMTP and with our library, which must do the same. What
differs on purpose is not made, but for two: behind a group of commands a RSET more is sent (row 7 of
docs/divergences.md), and where libESMTP dies nothing is compared.

    random_calls.py --driver DRIVER --ours LIBRARY [--seed N] [--count N | --seconds N]"""

import random
import re
import sys

# The source tree may be read-only, and should stay clean.
sys.dont_write_bytecode = True

from by_chance import main  # noqa: E402
from comparison import in_context  # noqa: E402
from scenario import build  # noqa: E402

OFFERS = ("PIPELINING", "SIZE", "8BITMIME", "DSN", "ENHANCEDSTATUSCODES")
BINARY = {"8BITMIME", "BINARYMIME", "CHUNKING"}
MAILBOXES = (
    *("a@example.org", "bob@example.org", "local", '\\"q q\\"@example.org', "user+tag@sub.example.org"),
    *("a.b.c@example.org", "{60:x}@example.org"),
)
TEXTS = ("Subject", "subject", "X-Foo", "X-Bar", "Comments", "Keywords", "In-Reply-To")
LISTS = ("From", "FROM", "To", "Cc", "Bcc", "Reply-To", "Sender", "Disposition-Notification-To")
NAMES = (*TEXTS, *LISTS, "Date", "Message-Id")
# Those of a text may be any.
ANY = (
    *NAMES,
    *("X-Not", "Received", "Return-Path", "Content-Type", "MIME-Version", "Resent-To", "Resent-Date", "Resent-From"),
)
VALUES = (
    *(" one", " a@example.org", " Mon, 01 Jan 2001 00:00:00 +0000", " two\\r\\n\\tfold", " <id@x>", "", "  "),
    *(" x\\r\\n y\\r\\n z", " \\{998:v}"),
)
BODIES = (
    *("body\\r\\n", "", ".\\r\\n", "..a\\r\\n.\\r\\nb\\r\\n", "no end", "\\r\\n\\r\\n"),
    *(f"\\{{{length}:x}}\\r\\n" for length in (1, 998, 2000)),
    *(f"\\{{{lines}:a\\r\\n}}" for lines in (5, 300, 3000)),
)
SOURCES = ("string", "file", "lines", "cut 1", "cut 7", "cut 1000")
# What may be done at any time.
QUESTIONS = ("enumerate messages", "enumerate recipients", "server-name", "complete", "statuses")
# What a callback may do so that it counts for both: not to headers that pass already, nor to what is shown. What
# DATA was answered is no status here (row 38), so that none is asked for behind it.
MOMENTS = {
    "CONNECT 1": (*QUESTIONS, "hostname late.example.org"),
    "MAILSTATUS 1": (*QUESTIONS, "header X-Sent text late", "size 5"),
    "RCPTSTATUS 1": (*QUESTIONS, "header X-Known text late", "override Comments 0", "reset-recipient"),
    "MESSAGEDATA 2": ("enumerate recipients", "reset-recipient", "server-name"),
    "MESSAGESENT 1": (*QUESTIONS, "reset-recipient", "reset-message", "message"),
    "DISCONNECT 1": (*QUESTIONS, "reset-recipient", "reset-message", "message"),
    "rewind 1": ("header X-Begun text late", "prohibit X-Not 1", "path late@example.org"),
    "read 1": ("header X-Read text late", "prohibit X-Not 1", "hostname late.example.org"),
}


class Program:
    def __init__(self, seed):
        self.seed = seed
        self.chance = random.Random(seed)
        self.offers = {offer for offer in OFFERS if self.chance.random() < 0.5}
        self.rules = []
        # Only texts of this kind go in chunks, and not ahead of a recipient's reply (row 70).
        self.binary = self.chance.random() < 0.15
        if self.binary:
            self.offers = self.offers - {"PIPELINING"} | BINARY
        for mailbox in ("a@", "bob@"):
            if not self.binary and self.chance.random() < 0.15:
                self.rules.append(f"RCPT TO:<{mailbox} => {self.some(450, 550)} no")
        self.messages = 0
        # The first one of the session.
        self.first = 1
        self.calls = ["setup"]
        # A message that a callback adds has a number, too: those of another session would not be known.
        self.one_session = False
        for moment, actions in self.chance.sample(list(MOMENTS.items()), self.some(0, 0, 1, 2)):
            action = self.some(*actions)
            self.calls.append(f"when {moment} {action}")
            self.one_session |= action == "message"
        self.add_message()
        for times in (self.chance.randint(0, 4), self.some(0, 0, 1, 3)):
            for _ in range(times):
                self.go_on()
            self.calls.append("start")

    def some(self, *choices):
        return self.chance.choice(choices)

    def add_message(self):
        self.messages += 1
        calls = [f"source {self.some(*SOURCES)} {self.text()}"]
        if self.chance.random() < 0.9:
            calls.append(f"path {self.some('sender@example.org', 'NULL', 's2@example.org', 'local')}")
        for _ in range(self.some(0, 1, 1, 1, 2, 3)):
            calls.append(self.recipient())
        for _ in range(self.some(0, 0, 1, 2, 5)):
            calls.append(self.header())
        calls += self.parameters()
        self.chance.shuffle(calls)
        self.calls += ["message", *calls]

    def recipient(self):
        call = f'recipient "{self.some(*MAILBOXES)}"'
        if "DSN" in self.offers and self.chance.random() < 0.3:
            call += f"\n{self.some('notify 0', 'notify -1', 'notify 2', 'notify 3', 'orcpt rfc822 x@y.z')}"
        return call

    def parameters(self):
        made = []
        if "DSN" in self.offers:
            made += [f"ret {self.some(0, 1, 2)}", f"envid {self.some('abc', 'a+b=c')}"]
        if "8BITMIME" in self.offers and not self.binary:
            made.append(f"body {self.some(0, 1, 2)}")
        made += [f"size {self.some(0, 1, 1000, 10**9)}", "resent 0", "resent 1"]
        return self.chance.sample(made, self.some(0, 0, 1, 2)) + ["body 3"] * self.binary

    def header(self):
        name = self.some(*NAMES)
        chance = self.chance.random()
        if chance < 0.15:
            return f"override {name} {self.some(0, 1)}"
        # Message-Id is supplied all the same there (row 33), and a value from before is (row 48).
        if chance < 0.2 and name != "Message-Id":
            return f"prohibit X-Not {self.some(0, 1)}"
        if name == "Date":
            return f"header Date date {86400 * self.chance.randint(0, 15000)}"
        if name == "Message-Id":
            return f"header Message-Id text {self.some('abc@example.org', 'id1', 'x.y@z')}"
        if name in LISTS:
            phrase = self.some("NULL", '""', '"Bob"', '"Bob B."', '"A, B"', '"O\'Neil"', f'"{"a" * 60}"')
            return f'header {name} mailbox {phrase} "{self.some(*MAILBOXES)}"'
        return f'header {name} text "{self.words()}"'

    def words(self):
        some = [
            self.some("alpha", "a", "long" * 30, "x,y", "(c)", "semi;colon", ":") for _ in range(self.some(1, 2, 9))
        ]
        return " ".join(some)

    def text(self):
        headers = [f"{self.some(*ANY)}:{self.some(*VALUES)}\\r\\n" for _ in range(self.some(0, 1, 2, 6))]
        return f'"{"".join(headers)}\\r\\n{self.some(*BODIES)}"'

    def go_on(self):
        message = self.chance.randint(self.first, self.messages)
        act = self.some("message", "start", "start", "one", "one", "name", "callback", "question", "data", "session")
        if act == "message":
            self.add_message()
        elif act == "start":
            self.calls.append("start")
        elif act == "one":
            what = self.some("reset-message", "recipient extra@example.org", "path other@example.org", self.header())
            self.calls += [f"use m{message}", what]
        elif act == "name":
            self.calls.append(f"hostname {self.some('h.example.org', 'client.example.org')}")
        elif act == "callback":
            self.calls.append(self.some("events off", "events on", "monitor off", "monitor on", "monitor headers"))
        elif act == "data":
            kind = self.some("session", "message", "recipient")
            data = f"data {kind} {self.some('NULL', 'one', 'two')} {self.some('', 'release')}"
            self.calls += [f"use m{message}", self.some(data, f"old-data {kind} three"), f"get-data {kind}"]
        elif act == "session" and not self.one_session:
            self.calls += ["destroy", "setup"]
            self.first = self.messages + 1
            self.add_message()
        else:
            self.calls += [f"use m{message}", self.some("inquire", *QUESTIONS)]

    def scenario(self):
        server = [*([f"offer {'; '.join(sorted(self.offers))}"] if self.offers else []), *self.rules]
        # The same for each connection.
        again = "\nconnection\n".join(["\n".join(server)] * (1 + self.calls.count("start")))
        return f"== calls-{self.seed}\nlimit: 20\nserver:\n{again}\ndriver:\n" + "\n".join(self.calls)


def judge(run, seed):
    """What is wrong with the program of a number, and its text."""
    program = Program(seed)
    text = program.scenario()
    scenario = build(text.removeprefix("== "))
    reference, ours = (run(scenario, name) for name in ("reference", "ours"))
    if any(line.startswith("killed by SIG") for line in reference):
        return ([] if "exit 0" in ours else ["ours did not end well"]), text
    other = []
    if "PIPELINING" in program.offers:
        other.append(r"wire \d+: RSET|monitor C: RSET|monitor S: 250 (2\.0\.0 )?reset")
    if program.binary:
        other.append("monitor ")
    for pattern in other:
        reference, ours = ([line for line in lines if not re.match(pattern, line)] for lines in (reference, ours))
    return in_context(reference, ours), text


if __name__ == "__main__":
    sys.exit(main(__doc__, judge, "reference", "ours"))
