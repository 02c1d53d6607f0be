# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table, as text and as docs/performance.md with its plots."""

import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import plot
from .measure import Failed, NotMeasured
from .metrics import ALL, BYTES, INSTRUCTIONS, MIBS, NUMBER, RATIO, SECONDS, WITH_PEERS, Metric

# What a person wrote under this heading stays when the page is written anew.
REMARKS = "## Remarks"
TITLES = {"reference": "libESMTP"}


@dataclass
class Row:
    metric: Metric
    values: dict  # subject → number or Failed

    def limit(self) -> float | None:
        target = self.metric.target
        if target is None or target.of is None:
            return target and target.limit
        base = self.values.get(target.of)
        return None if base is None or isinstance(base, Failed) else target.limit * base

    def verdict(self) -> str:
        limit, ours = self.limit(), self.values.get("ours")
        if self.metric.target is None:
            return ""
        if limit is None or isinstance(ours, NotMeasured):
            return "not measured"
        return "missed" if isinstance(ours, Failed) or ours > limit else "met"


def rows(metrics, values) -> list[Row]:
    return [
        Row(metric, {name: values[metric.name, name] for name in metric.subjects if (metric.name, name) in values})
        for metric in metrics
    ]


def show(value, unit: str) -> str:
    """A value with as many digits as mean something."""
    if value is None:
        return ""
    if isinstance(value, Failed):
        return str(value)
    suffix = "" if unit in (INSTRUCTIONS, NUMBER, RATIO) else f" {unit}"
    if unit == INSTRUCTIONS:
        # A wait more or less can make a difference of two runs that cost the same.
        value = max(value, 0)
        for limit, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
            if value >= limit:
                value, suffix = value / limit, letter
                break
    whole = unit == BYTES or (unit == INSTRUCTIONS and not suffix)
    digits = 0 if whole or value >= 100 else 1 if value >= 10 or unit == MIBS else 2
    return f"{round(value, digits) + 0.0:.{digits}f}{suffix}"


def short(value, unit: str) -> str:
    """A round value without its zeros."""
    number, gap, suffix = show(value, unit).partition(" ")
    return (number.rstrip("0").rstrip(".") if "." in number else number) + gap + suffix


def target(row: Row) -> str:
    wanted = row.metric.target
    if wanted is None:
        return ""
    if wanted.of is None:
        return "≤ " + short(wanted.limit, row.metric.unit)
    name = {"reference": "libESMTP", "floor": "floor"}[wanted.of]
    return f"≤ {wanted.limit:g} × {name}"


def subjects(table: list[Row]) -> list[str]:
    """Those that have a value in one of the rows."""
    return [name for name in WITH_PEERS if any(name in row.values for row in table)]


def head(names: list[str]) -> list[str]:
    return ["metric", *(TITLES.get(name, name) for name in names), "target", ""]


def cells(row: Row, names: list[str]) -> list[str]:
    values = [show(row.values.get(name), row.metric.unit) for name in names]
    return [row.metric.name, *values, target(row), row.verdict()]


def plain(table: list[Row]) -> str:
    names = subjects(table)
    lines = [head(names)] + [cells(row, names) for row in table]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines)


def markdown(table: list[Row]) -> str:
    parts = []
    for section in dict.fromkeys(row.metric.section for row in table):
        chosen = [row for row in table if row.metric.section == section]
        names = subjects(chosen)
        rule = ["---", *["---:"] * (len(names) + 1), "---"]
        parts.append(f"\n### {section}\n\n| {' | '.join(head(names))} |\n| {' | '.join(rule)} |")
        parts += [f"| {' | '.join(cells(row, names))} |" for row in chosen]
    return "\n".join(parts)


def first_line(*command: str) -> str:
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return output.splitlines()[0].strip()


def machine(libraries: dict[str, Path]) -> str:
    information = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    processor = re.search(r"model name\s*: (.*)", information)
    cores = information.count("processor\t")
    package = "unpackaged"
    try:
        package = first_line("dpkg-query", "-W", "-f", "${Version}", "libesmtp6")
    except (OSError, subprocess.CalledProcessError, IndexError):
        pass
    rows = [
        ("processor", f"{processor[1] if processor else platform.machine()}, {cores} cores"),
        ("system", f"{platform.freedesktop_os_release()['PRETTY_NAME']}, Linux {platform.release()}"),
        ("compiler of the C programs", first_line("cc", "--version")),
        ("OpenSSL", first_line("openssl", "version")),
        ("counter of instructions", first_line("valgrind", "--version")),
        ("libESMTP", f"{package}, {libraries['reference'].resolve().stat().st_size // 1024} KiB"),
        ("ours", f"release build, {libraries['ours'].resolve().stat().st_size // 1024} KiB with debug information"),
    ]
    return "| | |\n| --- | --- |\n" + "\n".join(f"| {name} | {value} |" for name, value in rows)


PAGE = """# Performance

Written by `benches/run.py`, which measures this library, libESMTP and a floor in one run. The
floor is a C program that sends the same octets over a bare socket (or OpenSSL) with the fewest
calls, and knows beforehand that the server will say yes: no library can undercut it. Some rows
have other mail libraries beside them: libetpan, libcurl, and lettre (Rust), which neither group
commands nor keep a status for each recipient.

{summary}

## Results
{table}

![Instructions for a MiB of text](plots/text.svg)

![100 messages over a slow link](plots/link.svg)

![Adding and destroying](plots/set-up.svg)

## How it is measured

- All three talk to the same server (`benches/sink.c`), which takes everything and keeps nothing
  and offers PIPELINING, SIZE, 8BITMIME, ENHANCEDSTATUSCODES, for BDAT also CHUNKING and BINARYMIME.
  A reply has 60 octets behind its code unless the row says otherwise. The end of a text is looked
  for with vector instructions, so that the server is never what is waited for.
- The measured program (`benches/load.c`) is linked once; `LD_LIBRARY_PATH` decides which library
  it gets. Its callbacks hand out a text that is in memory; that is counted, too.
- *Instructions* are counted by callgrind, for what happens in `smtp_start_session` (in rows about
  sessions and objects also for creating and destroying), in user space. A row says what one unit
  more costs: the difference of two sizes, so that what happens once cancels out.
- *CPU time* is user and system time of the process, for text within `smtp_start_session` (64 MiB of
  it), for a message, a recipient and a session from creating to destroying it, for a start of the
  whole process. All take turns, and the median of nine rounds counts (of 60 for the start).
- A run that timed out, or a program that is not there, is *not measured* and counts neither as met
  nor as missed.
- *A slow link* is played by the server: each answer leaves one round trip after the octets that
  it answers came. Nothing sleeps in the measured program. Opening the TCP connection is free, and
  so is the wait for an acknowledgement that Nagle's algorithm adds to libESMTP on a real link.
- *Round trips* are counted by the server: octets that come after an answer has left belong to
  the next round trip. Answers take 10 ms there, so that all that does not need them is sent before.
- *Calls* are counted by a preloaded library, failed attempts included; *TLS records* by the server.
- *Memory* is the heap in use (mallinfo2) and the peak of resident memory (`VmHWM`),
  here for a callback that hands out the same MiB again and again.
- Under TLS the server sends no session tickets: libESMTP may take one for an answer and then
  waits for ever. It frees its TLS context with the first session, so that a second one crashes.
- Lines that end in LF go out as they are with libESMTP, and as CRLF with ours, as SMTP demands.

{machine}

Again: `meson setup build --buildtype=release && meson compile -C build && benches/run.py`
(`--quick`: a minute, nothing is written; `--only ROW --profile`: where our instructions go).
"""


def summary(table: list[Row]) -> str:
    judged = [row for row in table if row.verdict()]
    names = {
        verdict: [row.metric.name for row in judged if row.verdict() == verdict]
        for verdict in ("met", "missed", "not measured")
    }
    text = f"{len(names.pop('met'))} of {len(judged)} targets are met."
    return text + "".join(f" {verdict.capitalize()}: {'; '.join(some)}." for verdict, some in names.items() if some)


def write(folder: Path, table: list[Row], curves: dict, libraries: dict[str, Path]) -> None:
    page = folder / "performance.md"
    plots = folder / "plots"
    plots.mkdir(parents=True, exist_ok=True)
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    _, heading, remarks = old.partition(REMARKS)
    text = PAGE.format(summary=summary(table), table=markdown(table), machine=machine(libraries))
    page.write_text(text + (f"\n{heading}{remarks}" if heading else ""), encoding="utf-8")

    def bars(file, title, unit, wanted):
        chosen = [row for row in table if wanted(row.metric)]
        bars = [(row.metric.name, {name: row.values.get(name) for name in ALL}, row.limit()) for row in chosen]
        (plots / file).write_text(
            plot.bars(title, bars, lambda value: show(value, unit), lambda value: short(value, unit)), encoding="utf-8"
        )

    bars("text.svg", "Instructions for a MiB of text", INSTRUCTIONS, lambda m: m.section.endswith("MiB of text"))
    bars("link.svg", "Seconds for 100 messages over a slow link", SECONDS, lambda m: m.unit == SECONDS)
    (plots / "set-up.svg").write_text(
        plot.lines("Instructions to add and destroy so many", curves, lambda value: short(value, INSTRUCTIONS)),
        encoding="utf-8",
    )
