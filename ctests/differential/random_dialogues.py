#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes dialogues by chance and runs them with our library twice, watched by an event callback and a monitor and
by neither: both must come to the same. In an orderly dialogue, where each reply is one to a command, what becomes of
every recipient follows from what the server says to it, and is compared, too.

    random_dialogues.py --driver DRIVER --ours LIBRARY [--seed N] [--count N | --seconds N]"""

import random
import re
import sys

# The source tree may be read-only, and should stay clean.
sys.dont_write_bytecode = True

from by_chance import main  # noqa: E402
from scenario import build  # noqa: E402
from unwatched import both_ways, differences  # noqa: E402

OFFERS = ("PIPELINING", "PIPELINING", "SIZE", "8BITMIME", "ENHANCEDSTATUSCODES")
SENDER = (250, 250, 250, 250, 250, 450, 550, 553)
RECIPIENT = (250, 250, 250, 251, 450, 451, 550, 553)
TEXT = (250, 250, 250, 451, 452, 554)
# What no server should say, and how it may end. Not what depends on chance: a reset takes with it what is on its way,
# and a reply that nobody asked for is seen now or later.
STRANGE = (
    *("421 bye + close", "421 bye", "close", "354 go on", "220 ready", "999 what", "raw 2|50 o|k\\r\\n"),
    *("raw \\r\\n250 ok\\r\\n", "raw 250 a\\0b\\r\\n", "250-one / 550 other", "raw 25 + close"),
    *("552 too many", "552 5.5.3 too many", "452 4.5.3 too many", "530 5.7.0 who are you", "503 what"),
)
COMMANDS = ("MAIL", "RCPT", "RCPT TO:<b0x1@", "DATA", "text", "RSET", "QUIT", "EHLO", "greeting")


class Dialogue:
    def __init__(self, seed):
        self.seed = seed
        self.chance = random.Random(seed)
        self.orderly = self.chance.random() < 0.5
        self.offers = {offer for offer in OFFERS if self.chance.random() < 0.5}
        self.requires_all = self.chance.random() < 0.2
        self.rules = []
        self.mails = []
        # Code and completion of each recipient, in the order added.
        self.outcomes = []
        for at in range(self.chance.randint(1, 4)):
            self.add_message(at)
        if not self.orderly:
            self.add_strange_rules()

    def add_message(self, at):
        sender = self.chance.choice(SENDER)
        self.say(f"MAIL FROM:<a{at}@", sender)
        names, codes = [], []
        count = self.chance.choice((1, 1, 2, 3, 5, 9, 40))
        # Neighbours often get the same.
        for one in range(count):
            if not codes or self.chance.random() < 0.4:
                code = self.chance.choice(RECIPIENT)
                form = self.form(code)
            codes.append(code)
            names.append(f"b{at}x{one}@example.org")
            # Without a sender the server refuses them itself.
            if sender < 300 and (code != 250 or self.chance.random() < 0.3):
                self.rules.append(f"RCPT TO:<b{at}x{one}@ -> {form}")
        self.mails.append(f"mail a{at}@example.org {' '.join(names)}")
        self.decide(sender, codes)

    def decide(self, sender, codes):
        """What the library makes of it, and what the server says to the text, if it gets one."""
        refused = [code for code in codes if code >= 300]
        accepted = len(refused) < len(codes)
        if sender >= 300:
            self.outcomes += [(sender, 0)] * len(codes)
        elif self.requires_all and refused:
            self.outcomes += [(code, int(code >= 500)) if code >= 300 else (refused[0], 0) for code in codes]
        elif not accepted:
            self.outcomes += [(code, int(code >= 500)) for code in codes]
        else:
            text = self.chance.choice(TEXT)
            self.say("text", text)
            for code in codes:
                taken = code < 300
                said = text if taken and text >= 300 else code
                complete = text >= 500 or (text < 300 and taken) or (not taken and code >= 500)
                self.outcomes.append((said, int(complete)))

    def say(self, what, code):
        self.rules.append(f"{what} -> {self.form(code)}")

    def form(self, code):
        """A reply in one form or another."""
        words = f"\\{{{self.chance.choice((1, 5, 60, 500, 2000))}:w}}"
        if "ENHANCEDSTATUSCODES" in self.offers or self.chance.random() < 0.1:
            words = f"{code // 100}.1.{self.chance.randint(0, 999)} {words}"
        return self.chance.choice((
            f"{code} {words}", f"{code} {words}", f"{code}-{words} / {code} {words}", f"raw {code} {words}\\n",
            f"raw {str(code)[:2]}|{str(code)[2:]} {words}\\r|\\n",
            f"raw {code}-a\\r\\n{code}-\\r\\n|{code} {words}\\r\\n", f"raw {code}\\r\\n",
        ))  # fmt: skip

    def add_strange_rules(self):
        for _ in range(self.chance.randint(1, 3)):
            what = self.chance.choice(COMMANDS)
            # The first rule that fits counts.
            at = self.chance.randint(0, len(self.rules))
            self.rules.insert(at, f"{what} -> {self.chance.choice(STRANGE)}")

    def text(self):
        """As a scenario."""
        starts = ["start"] * (1 if self.orderly else self.chance.randint(1, 2))
        lines = [
            *(f"== dialogue-{self.seed}", "limit: 20", "server:"),
            *([f"offer {'; '.join(sorted(self.offers))}"] if self.offers else []),
            *self.rules,
            *("driver:", "setup", *(["require-all 1"] if self.requires_all else []), *self.mails, *starts),
        ]
        return "\n".join(lines)


def judge(run, seed):
    """What is wrong with the dialogue of a number, and its text."""
    dialogue = Dialogue(seed)
    text = dialogue.text()
    # What is still written to a server that ends a dialogue is chance.
    telling = r"start |status |exit|killed|still" + (r"|wire \d+: (MAIL|RCPT|DATA|\.)" if dialogue.orderly else "")
    runs = both_ways(run, build(text.removeprefix("== ")), telling)
    wrong = differences(runs)
    if dialogue.orderly:
        found = re.findall(r"^status r\d+ (\d+) .* complete (\d)$", "\n".join(runs["watched"]), flags=re.M)
        told = [(int(code), int(complete)) for code, complete in found]
        if told != dialogue.outcomes:
            wrong.append(f"recipients have {told}, and should have {dialogue.outcomes}")
    if "exit 0" not in runs["watched"]:
        wrong.append("the driver did not end well")
    return wrong, text


if __name__ == "__main__":
    sys.exit(main(__doc__, judge, "ours"))
