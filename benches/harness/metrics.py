# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is measured: the rows of the table, each with its target."""

from collections.abc import Callable
from dataclasses import dataclass

from .measure import Bench, NotMeasured
from .programs import PEERS, Subject

MIB = 1 << 20
KIB = 1 << 10

BOTH = ("reference", "ours")
ALL = ("reference", "ours", "floor")
WITH_PEERS = (*ALL, *PEERS)
# lettre waits 44 ms for each mail: thousands of them take minutes, the same for all rounds an hour.
WITH_QUICK_PEERS = tuple(name for name in WITH_PEERS if name != "lettre")

# Counts do not depend on what else runs and may be taken side by side; so may runs that only
# wait. Times are taken alone, the subjects by turns, and their median counts.
COUNT, WAIT, TIME = "count", "wait", "time"


@dataclass(frozen=True)
class Target:
    """At most `limit`, or so many times another subject's value."""

    limit: float
    of: str | None = None


@dataclass(frozen=True)
class Metric:
    """A row of the table."""

    section: str
    name: str
    unit: str
    measure: Callable[[Bench, Subject], float]
    target: Target | None = None
    subjects: tuple[str, ...] = ALL
    phase: str = COUNT
    quick: bool = True
    rounds: int | None = None  # for a time; None: the usual number


def slope(measure, name: str, small: int, large: int, unit: int = 1) -> float:
    """What one unit more costs: the difference of two sizes, so that the beginning cancels."""
    low, high = measure(**{name: small}), measure(**{name: large})
    return (high - low) * unit / (large - small)


# What the server offers; chunks are for bodies that are BINARYMIME.
DATA: tuple[str, ...] = ()
BDAT = ("chunking", "binarymime")
# Octets of each reply behind its code. Most servers say about 60, some "OK", some a paragraph.
SHORT, LONG = ("no-enhanced", "text", "5"), ("text", "95")


def words(bench: Bench, offer: tuple[str, ...], tls: bool, tickets=False) -> tuple[str, ...]:
    """Tickets come unasked; libESMTP may take them for an answer and wait for ever."""
    return (*bench.tls, *offer, *(() if tickets else ("no-tickets",))) if tls else offer


def body(offer: tuple[str, ...]) -> dict:
    return {"binary": "yes"} if "binarymime" in offer else {}


def more(tls: bool) -> dict:
    return {"tls": "yes", "host": "localhost"} if tls else {}


def per_mib(offer, tls=False, **options):
    """Instructions for a MiB of text."""

    def measure(bench: Bench, subject: Subject) -> float:
        sink = bench.sink(*words(bench, offer, tls))

        def count(size):
            return bench.instructions(subject, sink, size=size, **more(tls), **body(offer), **options)

        return slope(count, "size", MIB, 3 * MIB, MIB)

    return measure


def per_item(name: str, small: int, large: int, offer=DATA, tls=False, tickets=False, trusted=True, **options):
    """Instructions for one message, recipient or session more, from its creation to its end."""

    def measure(bench: Bench, subject: Subject) -> float:
        sink = bench.sink(*words(bench, offer, tls, tickets))
        options.update(whole="yes", **more(tls), **body(offer))

        def count(**size):
            return bench.instructions(subject, sink, trusted=trusted, **options, **size)

        return slope(count, name, small, large)

    return measure


# Each session meets its last rule, and goes where it would have gone.
POLICY = """\
version = 1
[relay.as-set]
timeout = { connect = "30s" }
[[rule]]
program = "collectd"
refuse = "it is another program"
[[rule]]
relays = ["as-set"]
"""


def site_policy(bench: Bench, subject: Subject) -> float:
    """Instructions that a site policy adds to a session; it was read by an earlier one."""
    file = bench.work / "policy.toml"
    file.write_text(POLICY)

    def per_session(policy: str) -> float:
        def count(sessions):
            return bench.instructions(
                subject, bench.sink(), sessions=sessions, whole="yes", environment={"LIBESMTP_POLICY": policy}
            )

        return slope(count, "sessions", 1, 11)

    return per_session(str(file)) - per_session("none")


def cpu_per_item(name: str, small: int, large: int):
    """Microseconds of user and system time for one message, recipient or session more."""

    def measure(bench: Bench, subject: Subject) -> float:
        def count(**size):
            return bench.cpu_seconds(subject, bench.sink(), whole="yes", **size)

        return slope(count, name, small, large) * 1e6

    return measure


def small_library(measure):
    """The same with our library as it is without SRV names."""

    def instead(bench: Bench, subject: Subject) -> float:
        if subject.name != "ours":
            return measure(bench, subject)
        if bench.small is None:
            raise NotMeasured("not built (--small)")
        return measure(bench, bench.small)

    return instead


def first_session(bench: Bench, subject: Subject) -> float:
    """Instructions of a session under TLS, with the system's certificate authorities."""
    sink = bench.sink(*words(bench, DATA, True))
    return bench.instructions(subject, sink, trusted=False, whole="yes", events="yes", **more(True))


SET_UP = (1_000, 10_000, 100_000)


def set_up(what: str, number: int):
    """Instructions for adding so many messages or recipients and destroying them, sending nothing."""

    def measure(bench: Bench, subject: Subject) -> float:
        def count():
            return bench.instructions(subject, None, port=25, send="no", whole="yes", **{what: number})

        return bench.once((subject.name, what, number), count)

    return measure


def each(what: str):
    """The same for one of them."""
    return lambda bench, subject: set_up(what, SET_UP[-1])(bench, subject) / SET_UP[-1]


def growth(what: str):
    """How much dearer one of 100,000 is than one of 10,000; 1 = linear."""

    def measure(bench: Bench, subject: Subject) -> float:
        small, large = (set_up(what, number)(bench, subject) / number for number in SET_UP[1:])
        return large / small

    return measure


def cpu(offer, size=64 * MIB, **options):
    """Milliseconds of user and system time for a MiB of text."""
    return lambda bench, subject: (
        bench.cpu_seconds(subject, bench.sink(*offer), size=size, **body(offer), **options) * 1000 * MIB / size
    )


def calls(kind: str, tls=False):
    """Calls for a MiB of text."""

    def measure(bench: Bench, subject: Subject) -> float:
        sink = bench.sink(*words(bench, DATA, tls))

        def count(size):
            return bench.calls(subject, sink, size=size, **more(tls))[kind]

        return slope(count, "size", MIB, 9 * MIB, MIB)

    return measure


def counted_by_server(kind: str, name: str, small: int, large: int, unit=1, offer=DATA, tls=False, **options):
    """What the server counted: TLS records, round trips."""

    def measure(bench: Bench, subject: Subject) -> float:
        with bench.own_sink(*words(bench, offer, tls)) as sink:

            def count(**size):
                bench.run(subject, sink, **more(tls), **body(offer), **options, **size)
                return sink.connection()[kind]

            return slope(count, name, small, large, unit)

    return measure


# Long enough that whoever waits for an answer has sent all that it can send before it.
TURN = ("delay", "10000")


def turns(offer, size):
    """Round trips for a message."""
    return counted_by_server("turns", "messages", 5, 25, offer=(*offer, *TURN), size=size)


def link(offer):
    """Seconds for 100 messages of 2 KB at 100 ms a round trip."""

    def measure(bench: Bench, subject: Subject) -> float:
        with bench.own_sink(*offer, "delay", "100000") as sink:
            return bench.wall_seconds(subject, sink, messages=100, size=2 * KIB, **body(offer))

    return measure


def loopback(bench: Bench, subject: Subject) -> float:
    """Milliseconds for a session with one message of 4 KB."""
    return bench.wall_seconds(subject, bench.sink(), sessions=50, size=4 * KIB) * 1000


def further(tickets: bool):
    """Milliseconds for a session under TLS that is not the first one of the process."""

    def measure(bench: Bench, subject: Subject) -> float:
        sink = bench.sink(*words(bench, DATA, True, tickets))
        return bench.wall_seconds(subject, sink, sessions=50, whole="yes", **more(True)) * 1000

    return measure


def start(bench: Bench, subject: Subject) -> float:
    """Milliseconds of user and system time of a process that has the library loaded."""
    return bench.start_seconds(subject) * 1000


def stripped(bench: Bench, subject: Subject) -> float:
    return bench.size(subject) / 1000


def kept(bench: Bench, subject: Subject) -> float:
    """Bytes of memory that sending a message takes up until the session is destroyed."""

    def count(messages):
        numbers = bench.run(subject, bench.sink(), messages=messages)
        return numbers["heap_sent"][0] - numbers["heap_added"][0]

    return slope(count, "messages", 100, 1100)


def held(bench: Bench, subject: Subject) -> float:
    """Bytes of memory of a message with a recipient that was not sent yet."""

    def count(messages):
        return bench.run(subject, None, port=25, send="no", whole="yes", messages=messages)["peak_kib"][0] * KIB

    return slope(count, "messages", 10_000, 110_000)


def peak(kind: str):
    """MiB of memory more at the peak for a text of 64 MiB than for one of 1 MiB."""

    def measure(bench: Bench, subject: Subject) -> float:
        def count(repeat):
            options = {"size": MIB, "text": kind, "source": "block", "repeat": repeat}
            return bench.run(subject, bench.sink(), **options)["peak_kib"][0]

        return (count(64) - count(1)) / 1024

    return measure


TEXT = "Instructions for a MiB of text"
ITEM = "Instructions for one more"
LIFE = "The library's life"
TIMES = "Time"
WIRE = "On the wire"
MEMORY = "Memory"

INSTRUCTIONS, NUMBER, RATIO = "instructions", "number", "ratio"
US, MS, SECONDS, BYTES, KB, MIBS = "µs", "ms", "s", "B", "kB", "MiB"

METRICS = [
    Metric(TEXT, "DATA, string", INSTRUCTIONS, per_mib(DATA), Target(0.7e6), WITH_PEERS),
    Metric(TEXT, "DATA, FILE", INSTRUCTIONS, per_mib(DATA, source="file"), Target(0.6e6), BOTH),
    Metric(TEXT, "DATA, 8 KB callback", INSTRUCTIONS, per_mib(DATA, source="block"), Target(0.7e6), BOTH),
    Metric(TEXT, "DATA, line callback", INSTRUCTIONS, per_mib(DATA, source="line"), Target(2.5e6), BOTH),
    Metric(
        TEXT,
        "DATA, line and event callback",
        INSTRUCTIONS,
        per_mib(DATA, source="line", events="yes"),
        Target(4e6),
        BOTH,
    ),
    Metric(TEXT, "DATA, string, event callback", INSTRUCTIONS, per_mib(DATA, events="yes"), Target(2.5e6), BOTH),
    Metric(TEXT, "DATA, string, a dot at each line", INSTRUCTIONS, per_mib(DATA, text="dots")),
    Metric(TEXT, "DATA, string, lines end in LF", INSTRUCTIONS, per_mib(DATA, text="lf")),
    Metric(TEXT, "DATA, string, lines of 64 KiB", INSTRUCTIONS, per_mib(DATA, text="long")),
    Metric(TEXT, "BDAT, string", INSTRUCTIONS, per_mib(BDAT), Target(0.5e6)),
    Metric(TEXT, "BDAT, FILE", INSTRUCTIONS, per_mib(BDAT, source="file"), None, BOTH),
    Metric(TEXT, "BDAT, line callback", INSTRUCTIONS, per_mib(BDAT, source="line"), Target(2.5e6), BOTH),
    Metric(TEXT, "DATA, string, TLS", INSTRUCTIONS, per_mib(DATA, tls=True), Target(5.0e6)),
    Metric(TEXT, "DATA, line callback, TLS", INSTRUCTIONS, per_mib(DATA, tls=True, source="line"), None, BOTH),
    Metric(TEXT, "BDAT, string, TLS", INSTRUCTIONS, per_mib(BDAT, tls=True), None),
    Metric(ITEM, "message of 1 KB, DATA", INSTRUCTIONS, per_item("messages", 10, 110), Target(10e3), WITH_PEERS),
    Metric(ITEM, "message of 1 KB, BDAT", INSTRUCTIONS, per_item("messages", 10, 110, BDAT)),
    Metric(ITEM, "recipient", INSTRUCTIONS, per_item("recipients", 10, 210), Target(1.0e3), WITH_PEERS),
    Metric(ITEM, "recipient, replies of 5 octets", INSTRUCTIONS, per_item("recipients", 10, 210, SHORT), Target(1.0e3)),
    Metric(ITEM, "recipient, replies of 95 octets", INSTRUCTIONS, per_item("recipients", 10, 210, LONG), Target(1.0e3)),
    Metric(ITEM, "session with a message of 1 KB", INSTRUCTIONS, per_item("sessions", 1, 11), Target(40e3), WITH_PEERS),
    Metric(ITEM, "what a site policy adds to a session", INSTRUCTIONS, site_policy, Target(20e3), ("ours",)),
    Metric(LIFE, "first session of a process under TLS", INSTRUCTIONS, first_session, Target(40e6)),
    Metric(
        LIFE,
        "each further session under TLS",
        INSTRUCTIONS,
        per_item("sessions", 1, 3, tls=True, trusted=False, events="yes"),
        Target(6e6),
    ),
    *(
        Metric(
            LIFE,
            f"the same resumed, {version}",
            INSTRUCTIONS,
            per_item("sessions", 2, 4, offer, tls=True, tickets=True),
            Target(2.6e6),
            ("ours", "floor"),
        )
        for version, offer in (("TLS 1.3", ()), ("TLS 1.2", ("tls1.2",)))
    ),
    Metric(LIFE, "start of a process with the library", INSTRUCTIONS, Bench.start, None, BOTH),
    Metric(LIFE, "size of the stripped library", KB, stripped, Target(2100), BOTH),
    Metric(LIFE, "size without SRV names", KB, small_library(stripped), Target(1200), ("ours",)),
    *(
        metric
        for what, limit in (("recipient", 0.35), ("message", 0.8))
        for metric in (
            Metric(
                LIFE,
                f"adding and destroying a {what}, 100,000 of them",
                INSTRUCTIONS,
                each(what + "s"),
                Target(limit, "reference"),
                BOTH,
                quick=False,
            ),
            Metric(
                LIFE,
                f"the same against 10,000 {what}s",
                RATIO,
                growth(what + "s"),
                Target(1.1),
                BOTH,
                quick=False,
            ),
        )
    ),
    Metric(TIMES, "CPU for a MiB, DATA, string", MS, cpu(DATA), Target(1.5, "floor"), ALL, TIME),
    Metric(TIMES, "CPU for a MiB, DATA, line callback", MS, cpu(DATA, source="line"), None, BOTH, TIME),
    Metric(TIMES, "CPU for a MiB, BDAT, string", MS, cpu(BDAT), None, ALL, TIME),
    Metric(TIMES, "CPU for a message of 1 KB", US, cpu_per_item("messages", 100, 4100), None, WITH_QUICK_PEERS, TIME),
    Metric(TIMES, "CPU for a recipient", US, cpu_per_item("recipients", 100, 20_100), None, WITH_QUICK_PEERS, TIME),
    Metric(TIMES, "CPU for a session", US, cpu_per_item("sessions", 10, 510), None, WITH_QUICK_PEERS, TIME),
    Metric(TIMES, "CPU for the start of a process", MS, start, Target(1.15, "reference"), BOTH, TIME, rounds=60),
    Metric(
        TIMES,
        "CPU for the start, without SRV names",
        MS,
        small_library(start),
        Target(1.1, "reference"),
        BOTH,
        TIME,
        rounds=60,
    ),
    Metric(TIMES, "one message of 4 KB on loopback, wall", MS, loopback, Target(5), ALL, TIME),
    Metric(TIMES, "further session under TLS, wall", MS, further(False), None, ("ours", "floor"), TIME),
    Metric(TIMES, "the same resumed", MS, further(True), None, ("ours", "floor"), TIME),
    Metric(TIMES, "100 messages of 2 KB, round trip 100 ms, DATA", SECONDS, link(DATA), Target(11.5), ALL, WAIT, False),
    Metric(TIMES, "100 messages of 2 KB, round trip 100 ms, BDAT", SECONDS, link(BDAT), Target(21.5), ALL, WAIT, False),
    Metric(WIRE, "round trips for a message of 1 KB, DATA", NUMBER, turns(DATA, KIB), Target(1), ALL, WAIT),
    Metric(WIRE, "round trips for a message of 64 KB, DATA", NUMBER, turns(DATA, 64 * KIB), Target(1), ALL, WAIT),
    Metric(WIRE, "round trips for a message of 1 MB, DATA", NUMBER, turns(DATA, MIB), Target(1), ALL, WAIT),
    Metric(WIRE, "round trips for a message of 2 KB, BDAT", NUMBER, turns(BDAT, 2 * KIB), Target(2), ALL, WAIT),
    Metric(WIRE, "write calls for a MiB, DATA", NUMBER, calls("writes"), Target(16)),
    Metric(WIRE, "write calls for a MiB, TLS", NUMBER, calls("writes", tls=True), None),
    Metric(
        WIRE,
        "TLS records for a MiB",
        NUMBER,
        counted_by_server("records", "size", MIB, 9 * MIB, MIB, tls=True),
        Target(66),
    ),
    Metric(MEMORY, "kept for a message after it was sent", BYTES, kept, Target(512), BOTH),
    Metric(MEMORY, "a message with a recipient, before", BYTES, held, Target(1, "reference"), BOTH),
    Metric(MEMORY, "more at the peak for 64 MiB than for 1 MiB", MIBS, peak("crlf"), None, BOTH),
    Metric(MEMORY, "the same, lines end in LF", MIBS, peak("lf"), None, BOTH),
]
