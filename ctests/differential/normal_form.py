# SPDX-License-Identifier: LGPL-2.1-or-later
"""Brings a run into lines that are the same whenever the behaviour is the same.

Made stable: dates near now, generated message ids and the counts of their
headers. Taken apart: the calls and
events, the monitor's text, the bytes on the wire. How the monitor's text is cut
into calls, and which commands share a write, is not compared.
"""

import email.utils
import re
import time

DATE = re.compile(rb"(Date: )((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4})")
MESSAGE_ID = re.compile(rb"<\d{9,}\.\d{1,6}\.\d+@")
MONITOR = re.compile(rb'(?:wrong argument )?monitor ([SCH]) "(.*)"')
ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|.)")


def stable(data):
    """Replaces what depends on the moment of the run."""

    def date(match):
        age = time.time() - email.utils.parsedate_to_datetime(match[2].decode()).timestamp()
        return match[1] + b"$NOW" if abs(age) < 600 else match[0]

    return MESSAGE_ID.sub(b"<$ID@", DATE.sub(date, data))


def stable_counts(trace, received):
    """A generated id's length varies: the first event that counts such a header does not tell it."""
    for line in re.findall(rb"^Message-Id: .*\n", b"".join(received), flags=re.M):
        if MESSAGE_ID.search(line):
            event = rb"(event MESSAGEDATA \d+ s\d+ m\d+) %d$" % len(line)
            trace = re.sub(event, rb"\1 length of $ID", trace, count=1, flags=re.M)
    return trace


def unescaped(text):
    names = {b"r": b"\r", b"n": b"\n"}

    def byte(match):
        code = match[1]
        return bytes([int(code[1:], 16)]) if code[0:1] == b"x" and len(code) == 3 else names.get(code, code)

    return ESCAPE.sub(byte, text)


def shown(data):
    """One printable line for each line of data, ends visible."""
    lines = re.findall(rb"[^\n]*\n|[^\n]+", data)
    return ["".join(visible(byte) for byte in line) for line in lines]


def visible(byte):
    if byte == 0x0D:
        return "\\r"
    if byte == 0x0A:
        return "\\n"
    return chr(byte) if 0x20 <= byte <= 0x7E else f"\\x{byte:02x}"


def monitor_lines(calls, by_direction):
    """Consecutive calls of one kind are one text; in a pipelined session all of one kind."""
    joined = []
    order = {b"S": 0, b"C": 1, b"H": 2}
    if by_direction:
        calls = sorted(calls, key=lambda call: order[call[0]])
    for kind, data in calls:
        if joined and joined[-1][0] == kind:
            joined[-1][1] += data
        else:
            joined.append([kind, data])
    return [f"monitor {kind.decode()}: {line}" for kind, data in joined for line in shown(stable(data))]


def normal_form(run, scenario):
    """The lines of a run that are compared."""
    lines, calls = [], []
    for line in stable_counts(run.trace, run.received).splitlines():
        if match := MONITOR.fullmatch(line):
            calls.append((match[1], unescaped(match[2])))
        else:
            lines += shown(stable(line)) or [""]
    lines.append(run.ending)
    grouped = re.search(r"PIPELINING|CHUNKING", scenario.server) is not None
    lines += monitor_lines(calls, grouped)
    if scenario.ignore_wire:
        return lines
    for number, (data, remarks) in enumerate(zip(run.received, run.remarks), start=1):
        lines += [f"wire {number}: {line}" for line in shown(stable(data))]
        lines.append(f"wire {number} ends" + "".join(f", {remark}" for remark in remarks))
    return lines
