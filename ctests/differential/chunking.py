# SPDX-License-Identifier: LGPL-2.1-or-later
"""Joins what BDAT may cut anywhere, so that runs with other chunks compare equal.

The reference sends a chunk for each block of the application's, ours gathers them; with PIPELINING the text is read
and sent at other moments of the dialogue.
"""

import re

COMMAND = re.compile(rb"BDAT (\d+)( LAST)?\r\n", re.I)
DATA_EVENT = re.compile(rb"event MESSAGEDATA \d+ (s\d+ m\d+) (\d+|length of \$ID)")


def joined_wire(data):
    """Consecutive chunks as one, without their sizes."""
    out, position, in_text = bytearray(), 0, False
    while match := COMMAND.search(data, position):
        between = data[position : match.start()]
        if between and not between.endswith(b"\n"):
            break  # in the middle of a line: no command
        end = match.end() + int(match[1])
        if between and in_text:
            out += b"(more chunks were to come)\r\n"
        out += between
        if between or not in_text:
            out += b"BDAT\r\n"
        out += data[match.end() : end]
        in_text = not match[2]
        if match[2]:
            out += b"(LAST)\r\n"
        position = end
    if in_text:
        out += b"(more chunks were to come)\r\n"
    return bytes(out + data[position:])


def joined_events(lines):
    """In each session: rewinds first, the other events, then how much was sent of each message."""
    out, session = [], None
    for line in lines:
        if session is None:
            out.append(line)
            if line == b"start":
                session = {"rewinds": [], "others": [], "sums": {}}
            continue
        if match := DATA_EVENT.fullmatch(line):
            count = int(match[2]) if match[2].isdigit() else match[2]
            session["sums"].setdefault(match[1], []).append(count)
        elif re.match(rb"source \S+ rewind", line):
            session["rewinds"].append(line)
        elif line.startswith(b"start ->"):
            out += closed(session) + [line]
            session = None
        else:
            session["others"].append(line)
    return out if session is None else out + closed(session)


def closed(session):
    sums = [
        b"MESSAGEDATA of %s: %d%s" % (label, sum(c for c in counts if isinstance(c, int)),
                                      b" and $ID" if any(isinstance(c, bytes) for c in counts) else b"")
        for label, counts in sorted(session["sums"].items())
    ]  # fmt: skip
    return session["rewinds"] + session["others"] + sums
