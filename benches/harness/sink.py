# SPDX-License-Identifier: LGPL-2.1-or-later
"""The sink as a context manager."""

import queue
import subprocess
import threading
from pathlib import Path


class Sink:
    """A running sink. It ends when its standard input is closed, so even with this process."""

    def __init__(self, program: Path, *words: str):
        self.process = subprocess.Popen(
            [str(program), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        first = self.process.stdout.readline().split()
        if first[:1] != ["port"]:
            self.close()
            raise RuntimeError(f"the sink does not start: {' '.join(first)}")
        self.port = int(first[1])
        self.lines: queue.Queue = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.put({name: int(value) for name, _, value in (w.partition("=") for w in line.split())})

    def connection(self, seconds: float = 10) -> dict[str, int]:
        """What the sink counted for the next connection that ends."""
        return self.lines.get(timeout=seconds)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
