# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds several.c against Debian's headers and runs it; what it said, and what its dialogue shows."""

import itertools
import os
import re
import subprocess
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from servers import find

SOURCE = Path(__file__).with_name("several.c")
SECONDS = 60


@dataclass
class Letter:
    """A message, and what is to become of it. The kind says where it is refused."""

    name: str
    kind: str
    sender: str
    recipients: list[str]
    text: Path
    # The final reply; whom it reaches.
    code: int = 250
    reaches: list[str] = field(default_factory=list)
    # The status of each recipient: complete, code.
    statuses: dict[str, tuple[int, int]] = field(default_factory=dict)
    body: int = 0

    def lines(self) -> list[str]:
        to = [f"to {recipient}" for recipient in self.recipients]
        return [
            f"message {self.name}",
            f"from {self.sender}",
            *to,
            f"text {self.text}",
            f"body {self.body}",
        ]

    def as_delivered(self) -> bytes:
        """With the line ends of a mailbox."""
        text = self.text.read_bytes().replace(b"\r\n", b"\n")
        return text if text.endswith(b"\n") else text + b"\n"


@dataclass
class Transaction:
    """A MAIL of the dialogue."""

    begins_with_rset: bool
    # Transactions before it whose last reply was not there yet.
    overlapped: int


@dataclass
class Start:
    """One call of smtp_start_session: its result and error, and the lines of its dialogue, with
    "C: " or "S: " in front."""

    dialogue: list[str] = field(default_factory=list)
    result: tuple[int, int] = (0, 0)
    # Each command and the last line of its reply; the end of DATA's text is a command here.
    answers: list[tuple[str, str]] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)

    @property
    def round_trips(self) -> int:
        """How often the client stopped writing and read. Texts are not shown: one stands behind 354."""
        pairs = itertools.pairwise(self.dialogue)
        return sum(after.startswith("S:") and before.startswith(("C:", "S: 354")) for before, after in pairs)

    def offers(self, keyword: str) -> bool:
        return any(re.match(rf"S: 250[- ]{keyword}\b", line) for line in self.dialogue)

    def follow(self) -> None:
        due: deque[str] = deque(["greeting"])
        before = ""
        for line in self.dialogue:
            text = line[3:]
            if line.startswith("C:"):
                if text.startswith("MAIL "):
                    self.transactions.append(begun(before, list(due)))
                due.append(text)
                before = text
            elif text[3:4] != "-":
                command = due.popleft() if due else "nothing"
                self.answers.append((command, text))
                if command == "DATA" and text.startswith("3"):
                    due.appendleft("end of data")
        self.unanswered = list(due)


def begun(before: str, due: list[str]) -> Transaction:
    """A MAIL that is written behind the command `before`, while these have no answer."""
    if before == "RSET" and due:
        due.pop()
    mails = sum(command.startswith("MAIL ") for command in due)
    # The oldest may have had the answer to its MAIL.
    started = bool(due) and not due[0].startswith(("MAIL ", "RSET"))
    return Transaction(before == "RSET", mails + started)


@dataclass
class Outcome:
    starts: list[Start] = field(default_factory=list)
    codes: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)

    @property
    def result(self) -> tuple[int, int]:
        return self.starts[-1].result

    def __str__(self) -> str:
        """Without the middle of dialogues that are long."""
        lines = []
        for start in self.starts:
            dialogue = start.dialogue
            if len(dialogue) > 200:
                dialogue = [*dialogue[:100], "...", *dialogue[-100:]]
            lines += [*dialogue, f"result {start.result}"]
        return "\n".join(["", *lines])


class Several:
    def __init__(self, folder: Path, our_build: Path):
        self.folder = folder
        self.our_build = our_build
        self.program = folder / "several"
        warnings = ["-Wall", "-Wextra", "-pedantic", "-Werror"]
        command = [find("cc"), *warnings, "-O1", "-o", self.program, SOURCE, "-lesmtp"]
        subprocess.run(command, check=True, timeout=60)

    def __call__(self, port: int, letters: list[Letter], starts: int = 1) -> Outcome:
        work = self.folder / "list"
        work.write_text("".join(f"{line}\n" for letter in letters for line in letter.lines()))
        done = subprocess.run(
            [self.program, f"127.0.0.1:{port}", work, str(starts)],
            env={"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(self.our_build)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
        )
        lines = done.stdout.decode(errors="replace").splitlines()
        if done.returncode != 0:
            raise RuntimeError("\n".join([*lines, f"exit code {done.returncode}"]))
        return outcome(lines)


def outcome(lines: list[str]) -> Outcome:
    told = Outcome()
    start = Start()
    for line in lines:
        word, *rest = line.split(" ")
        match word:
            case "C:" | "S:":
                start.dialogue.append(line)
            case "result":
                start.result = (int(rest[0]), int(rest[1]))
                start.follow()
                told.starts.append(start)
                start = Start()
            case "message":
                told.codes[rest[0]] = int(rest[1])
                told.statuses[rest[0]] = {}
            case "recipient":
                name, mailbox, complete, code = rest
                told.statuses[name][mailbox] = (int(complete), int(code))
            case _:
                raise RuntimeError("\n".join(lines))
    return told
