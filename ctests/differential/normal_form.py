# SPDX-License-Identifier: LGPL-2.1-or-later
"""Brings a run into lines that are the same whenever the behaviour is the same.

Made stable: dates near now, generated message ids and the counts of their
headers, the random parts of SASL messages. Taken apart: the calls and
events, the monitor's text, the bytes on the wire. How the monitor's text is cut
into calls, and which commands share a write, is not compared.
"""

import base64
import binascii
import email.utils
import re
import time

from chunking import joined_events, joined_wire

DATE = re.compile(rb"(Date: )((?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4})")
MESSAGE_ID = re.compile(rb"<\d{9,}\.\d{1,6}\.\d+@")
MONITOR = re.compile(rb'(?:wrong argument )?monitor ([SCH]) "(.*)"')
BASE64 = re.compile(rb"(?<= )[A-Za-z0-9+/]{16,}={0,2}(?=\r)|^[A-Za-z0-9+/]{16,}={0,2}(?=\r)", re.M)
SIGNATURE = re.compile(rb"^(235 .*)v=[A-Za-z0-9+/]{20,}=*", re.M)
SASL = re.compile(rb"(?:[ny]|p=[a-z-]+),.*|[rcvme]=.*", re.DOTALL)
ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|.)")
REPEATED = re.compile(r"((?:\\x..|\\?.){1,2}?)\1{63,}")


def stable(data):
    """Replaces what depends on the moment of the run."""

    def date(match):
        age = time.time() - email.utils.parsedate_to_datetime(match[2].decode()).timestamp()
        return match[1] + b"$NOW" if abs(age) < 600 else match[0]

    data = MESSAGE_ID.sub(b"<$ID@", DATE.sub(date, data))
    return SIGNATURE.sub(rb"\1v=$COMPUTED", BASE64.sub(sasl, data))


def sasl(match):
    """A message of SCRAM or OAUTHBEARER in clear, without its random parts."""
    try:
        text = base64.b64decode(match[0], validate=True)
    except binascii.Error:
        return match[0]
    if not SASL.fullmatch(text):
        return match[0]
    text = re.sub(rb"\br=[^,]*?(SERVER)?(?=,|$)", lambda found: b"r=$NONCE" + (found[1] or b""), text)
    text = re.sub(rb"\b(p|v)=[A-Za-z0-9+/]{20,}=*", rb"\1=$COMPUTED", text)
    text = re.sub(rb"\bc=([A-Za-z0-9+/]+=*)", binding, text)
    return b"{" + re.sub(rb"port=\d+", b"port=$PORT", text) + b"}"


def binding(match):
    """The GS2 header, and whether there is something behind it."""
    header, _, data = base64.b64decode(match[1]).partition(b",,")
    return b"c=" + header + b",," + (b"$BINDING" if data else b"")


TEXT_COMMAND = re.compile(rb"^(?:DATA|BDAT \d+(?: LAST)?)\r\n", re.M)
HEADER = re.compile(rb"[^\n]*\n(?:[ \t][^\n]*\n)*")


def stable_counts(trace, received):
    """A generated id's length varies: the event that counts such a header does not tell it. By chance a header
    before it can be as long."""
    data = b"".join(received)
    position = 0
    for found in re.finditer(rb"^Message-Id: .*\n", data, flags=re.M):
        line = found[0]
        if not MESSAGE_ID.search(line):
            continue
        if position:
            # The next one is told behind the outcome of the message that had the last.
            position = max(position, trace.find(b"event MESSAGESENT", position))
        text = TEXT_COMMAND.split(data[: found.start()].rpartition(b"RCPT TO:")[2], maxsplit=1)[-1]
        as_long = [header for header in HEADER.findall(text) if len(header) == len(line)]
        event = re.compile(rb"(event MESSAGEDATA \d+ s\d+ m\d+) %d$" % len(line), re.M)
        events = list(event.finditer(trace, position))[len(as_long) :]
        if events:
            start, end = events[0].span()
            told = events[0][1] + b" length of $ID"
            trace = trace[:start] + told + trace[end:]
            position = start + len(told)
    return trace


def shortened(line):
    """What is repeated often is written once."""
    return REPEATED.sub(lambda found: f"{{{len(found[0]) // len(found[1])}:{found[1]}}}", line)


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
    # A chunk's size depends on the length of the generated id.
    sizes = re.compile(rb"^BDAT \d+", re.M)
    texts = [(kind, sizes.sub(b"BDAT $N", stable(data))) for kind, data in joined]
    return [f"monitor {kind.decode()}: {line}" for kind, data in texts for line in shown(data)]


def normal_form(run, scenario):
    """The lines of a run that are compared."""
    lines, calls = [], []
    chunked = re.search(r"CHUNKING", scenario.server) is not None
    trace = stable_counts(run.trace, run.received).splitlines()
    for line in joined_events(trace) if chunked else trace:
        if match := MONITOR.fullmatch(line):
            calls.append((match[1], unescaped(match[2])))
        else:
            lines += shown(stable(line)) or [""]
    lines.append(run.ending)
    grouped = re.search(r"PIPELINING|CHUNKING", scenario.server) is not None
    lines += monitor_lines(calls, grouped)
    if not scenario.ignore_wire:
        lines += wire_lines(run, chunked)
    return [shortened(line) for line in lines]


def wire_lines(run, chunked):
    """What the server got over each connection."""
    lines = []
    for number, (data, remarks) in enumerate(zip(run.received, run.remarks), start=1):
        data = stable(joined_wire(data) if chunked else data)
        lines += [f"wire {number}: {line}" for line in shown(data)]
        lines.append(f"wire {number} ends" + "".join(f", {remark}" for remark in remarks))
    return lines
