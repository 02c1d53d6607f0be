# SPDX-License-Identifier: LGPL-2.1-or-later
"""The script of the SMTP server: which command gets which reply."""

import re
from dataclasses import dataclass, field

ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
# What ends the conversation, or makes it secure.
DEEDS = ("close", "reset", "stall", "await", "notify", "tls")
TOKEN = re.compile(r"\\(?:\{(\d+):([^}]*)\}|x([0-9A-Fa-f]{2})|(.))|([^\\]+)", re.DOTALL)

# Command word: (reply, enhanced code if the server offers those).
DEFAULTS = {
    b"greeting": ("220 server.example.org ESMTP", ""),
    b"HELO": ("250 server.example.org", ""),
    b"MAIL": ("250 sender ok", "2.1.0"),
    b"RCPT": ("250 recipient ok", "2.1.5"),
    b"DATA": ("354 go ahead", ""),
    b"BDAT": ("250 chunk ok", "2.0.0"),
    b"text": ("250 message accepted", "2.6.0"),
    b"RSET": ("250 reset", "2.0.0"),
    b"ETRN": ("250 queuing started", "2.0.0"),
    b"XUSR": ("250 submission", "2.0.0"),
    b"AUTH": ("535 no", "5.7.8"),
    b"answer": ("535 no", "5.7.8"),
    b"STARTTLS": ("454 not now", "4.7.0"),
    b"QUIT": ("221 bye", "2.0.0"),
}
UNKNOWN = ("500 unknown command", "5.5.1")


def unescape(text):
    r"""Bytes of `text`: \r \n \t \0 \\ \xHH, and \{3:ab} for ababab."""
    out = bytearray()
    for count, repeated, code, letter, plain in TOKEN.findall(text):
        if count:
            out += unescape(repeated) * int(count)
        elif code:
            out.append(int(code, 16))
        elif letter:
            out += ESCAPES.get(letter, letter.encode())
        else:
            out += plain.encode()
    return bytes(out)


@dataclass
class Action:
    kind: str  # say, exchange, or one of DEEDS
    pieces: list = field(default_factory=list)


@dataclass
class Reply:
    actions: list
    code: int  # of the last line said, 0 if none


def reply(text):
    """A reply as written in a script: lines, pieces of raw bytes, or an end."""
    actions, code = [], 0
    for part in text.split(" + "):
        part = part.strip()
        if part in DEEDS:
            actions.append(Action(part))
        elif part == "silence":
            continue
        elif part.startswith("raw "):
            pieces = [unescape(piece) for piece in part[4:].split("|")]
            actions.append(Action("say", pieces))
            code = last_code(b"".join(pieces))
        elif part.startswith("exchange "):
            actions.append(Action("exchange", part.split()[1:]))
        else:
            lines = b"".join(unescape(line) + b"\r\n" for line in part.split(" / "))
            actions.append(Action("say", [lines]))
            code = last_code(lines)
    return Reply(actions, code)


def last_code(lines):
    line = lines.rstrip(b"\r\n").rpartition(b"\n")[2]
    return int(line[:3]) if line[:3].isdigit() else 0


@dataclass
class Rule:
    prefix: bytes
    reply: Reply
    lasting: bool
    threshold: int = 0  # for an interruption of the text


class ConversationScript:
    """The replies of one connection."""

    def __init__(self):
        self.offers = []
        self.unknown = set()  # command words
        self.rules = []
        self.tls = []  # which certificate, and more
        self.offers_in_tls = []

    def reply(self, command, envelope):
        """The first rule whose prefix fits, which is used up unless it lasts."""
        for rule in self.rules:
            if not rule.threshold and command.upper().startswith(rule.prefix):
                if not rule.lasting:
                    self.rules.remove(rule)
                return rule.reply
        return self.default(command, envelope)

    def begin_tls(self):
        """The offers in TLS are the same without STARTTLS, unless the script has others."""
        self.offers = self.offers_in_tls or [offer for offer in self.offers if offer.upper() != "STARTTLS"]

    def interruption(self):
        """What is said in the middle of the next message's text, and when."""
        for rule in self.rules:
            if rule.threshold:
                self.rules.remove(rule)
                return rule.threshold, rule.reply
        return None

    def default(self, command, envelope):
        word = command.split(None, 1)[0].upper() if command.strip() else b""
        if word == b"EHLO":
            lines = ["server.example.org", *self.offers]
            marks = "-" * (len(lines) - 1) + " "
            return reply(" / ".join(f"250{m}{t}" for m, t in zip(marks, lines)))
        if word in self.unknown:
            return reply(UNKNOWN[0])
        by_word = {key.upper(): value for key, value in DEFAULTS.items()}
        text, enhanced = envelope.objection(word) or by_word.get(word, UNKNOWN)
        if enhanced and "ENHANCEDSTATUSCODES" in self.offers:
            text = f"{text[:4]}{enhanced} {text[4:]}"
        return reply(text + " + close") if word == b"QUIT" else reply(text)

    def add(self, line):
        if line.startswith("offer "):
            self.offers += [offer.strip() for offer in line[6:].split(";")]
            return
        if line.startswith("offer-in-tls "):
            self.offers_in_tls = [offer.strip() for offer in line[13:].split(";")]
            return
        if line.startswith("unknown "):
            self.unknown.add(line.split()[1].upper().encode())
            return
        if line.startswith("tls "):
            self.tls = line.split()[1:]
            return
        match = re.fullmatch(r"(.*?)\s+([-=]>)\s+(.*)", line)
        if not match:
            raise ValueError(f"not a server line: {line!r}")
        prefix, arrow, text = match.groups()
        rule = Rule(unescape(prefix).upper(), reply(text), arrow == "=>")
        if interruption := re.fullmatch(r"text after (\d+)", prefix):
            rule.threshold = int(interruption[1])
        self.rules.append(rule)


class Scripts:
    """One script a connection; connections that have none get the defaults."""

    def __init__(self, texts):
        self.texts = texts

    def of(self, number):
        script = ConversationScript()
        for line in self.texts[number] if number < len(self.texts) else []:
            script.add(line)
        return script


def parse(text):
    """Scripts from text; a line `connection` begins the next connection's."""
    texts = [[]]
    for line in text.splitlines():
        line = line.strip()
        if line == "connection":
            texts.append([])
        elif line and not line.startswith("#"):
            texts[-1].append(line)
    scripts = Scripts(texts)
    for number in range(len(texts)):
        scripts.of(number)  # finds mistakes before a client connects
    return scripts
