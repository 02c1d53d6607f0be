# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ways of measuring. Each runs a program once or twice and gives back numbers."""

import os
import re
import signal
import statistics
import subprocess
import tempfile
import threading
from pathlib import Path

from .programs import SONAME, Subject
from .sink import Sink

# A run that takes longer than this is stuck: the longest needs 41 s where nothing else runs.
PATIENCE = 200

CALLGRIND = ["valgrind", "--tool=callgrind"]


class Failed(Exception):
    """The program did not do what was measured; the reason is for the table."""


class NotMeasured(Failed):
    """Nothing can be said: it took too long, or what is needed is not there."""


def failure(code: int, errors: str) -> str:
    if code < 0:
        return f"crash ({signal.Signals(-code).name})"
    said = [line for line in errors.splitlines() if line and not line.startswith("==")]
    return "fails: " + (said[-1] if said else f"exit {code}")


class Bench:
    """The programs and the sinks that they talk to."""

    def __init__(self, programs: dict[str, Path], certificate: tuple[Path, Path], trusted: Path, work: Path):
        self.programs = programs
        self.tls = ("tls", str(certificate[0]), str(certificate[1]))
        self.trusted = trusted
        self.work = work
        # Our library without SRV names, if it was built.
        self.small: Subject | None = None
        # Where callgrind writes which function took what.
        self.profile = Path(os.devnull)
        self._sinks: dict[tuple[str, ...], Sink] = {}
        self._done: dict = {}
        self._locks: dict = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        for sink in self._sinks.values():
            sink.close()

    def own_sink(self, *words: str) -> Sink:
        """A sink of one's own, to be closed by the caller: its counts belong to one run."""
        return Sink(self.programs["sink"], *words)

    def sink(self, *words: str) -> Sink:
        """A sink that others use as well."""
        with self._lock:
            if words not in self._sinks:
                self._sinks[words] = self.own_sink(*words)
            return self._sinks[words]

    def once(self, key, measure):
        """What `measure` gives, measured once although several rows of the table need it."""
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._done:
                self._done[key] = measure()
            return self._done[key]

    def run(self, subject: Subject, sink: Sink | None, **options) -> dict[str, list[int]]:
        """Runs load or floor; the numbers that it printed."""
        return self.run_under(subject, sink, **options)[0]

    def run_under(self, subject: Subject, sink: Sink | None, *before: str, environment=None, trusted=True, **options):
        """The same behind the words of `before`; the numbers, and what went to standard error."""
        if subject.program not in self.programs:
            raise NotMeasured(subject.without)
        program = self.programs[subject.program]
        if sink:
            options["port"] = sink.port
        words = [f"{name}={value}" for name, value in options.items()]
        output, errors = self.execute(subject, [*before, str(program), *words], environment or {}, trusted)
        numbers = {
            name: [int(value) for value in values.split()]
            for name, _, values in (line.partition(" ") for line in output.splitlines())
        }
        return numbers, errors

    def execute(self, subject: Subject, command: list[str], environment: dict, trusted: bool = True):
        """Nothing of the user's configuration is in the environment."""
        clean = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC", "HOME": str(self.work), **environment}
        if subject.library:
            clean["LD_LIBRARY_PATH"] = str(subject.library)
        if trusted:
            clean["XDG_CONFIG_DIR"] = str(self.trusted)
        process = subprocess.Popen(
            command, env=clean, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            output, errors = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise NotMeasured(f"timed out after {PATIENCE} s") from None
        if process.returncode != 0:
            raise Failed(failure(process.returncode, errors))
        return output, errors

    def instructions(self, subject: Subject, sink: Sink | None, **options) -> int:
        """Instructions of what load counts."""
        valgrind = [*CALLGRIND, f"--callgrind-out-file={self.profile}", "--instr-atstart=no"]
        return collected(self.run_under(subject, sink, *valgrind, **options)[1])

    def start(self, subject: Subject) -> int:
        """Instructions of a whole process that has the library loaded, the dynamic linker's included."""
        command = [*CALLGRIND, f"--callgrind-out-file={self.profile}", str(self.programs["start"])]
        return collected(self.execute(subject, command, {})[1])

    def start_seconds(self, subject: Subject) -> float:
        """User and system time of such a process, the kernel's for making it included."""
        environment = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": str(subject.library)}
        child = os.posix_spawn(self.programs["start"], ["start"], environment)
        _, status, usage = os.wait4(child, 0)
        if status != 0:
            raise Failed(failure(os.waitstatus_to_exitcode(status), ""))
        return usage.ru_utime + usage.ru_stime

    def size(self, subject: Subject) -> int:
        """Octets of the library's file without its symbols and debug information."""
        stripped = self.work / f"stripped-{subject.name}"
        subprocess.run(["strip", "-o", str(stripped), str(subject.library / SONAME)], check=True)
        return stripped.stat().st_size

    def calls(self, subject: Subject, sink: Sink, **options) -> dict[str, int]:
        """Calls for sockets: writes, reads, waits."""
        with tempfile.NamedTemporaryFile(dir=self.work, mode="r") as file:
            environment = {"LD_PRELOAD": str(self.programs["counter.so"]), "COUNTER_FILE": file.name}
            self.run_under(subject, sink, environment=environment, **options)
            return {name: int(value) for name, value in (line.split() for line in file)}

    def cpu_seconds(self, subject: Subject, sink: Sink, **options) -> float:
        """User and system time of what load counts."""
        return self.run(subject, sink, **options)["cpu_ns"][0] / 1e9

    def wall_seconds(self, subject: Subject, sink: Sink, **options) -> float:
        """Time of what load counts; of several sessions their median."""
        return statistics.median(self.run(subject, sink, **options)["laps"]) / 1e9


def collected(errors: str) -> int:
    """The sum that callgrind says at the end; its file has none if counting was switched off before."""
    if match := re.search(r"Collected : (\d+)", errors):
        return int(match[1])
    raise NotMeasured("callgrind counted nothing")
