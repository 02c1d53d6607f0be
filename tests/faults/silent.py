# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that say nothing more from some point on: the client waits."""

import socket
import threading

from listening import Listening, loopback


class Silent(Listening):
    """Answers so many times, the greeting first, then neither says nor reads anything. `hang_up`
    ends the client's wait."""

    def __init__(self, *replies: str) -> None:
        super().__init__()
        self.replies = replies
        self.over = threading.Event()

    def serve(self, client: socket.socket, number: int) -> None:
        for number, reply in enumerate(self.replies):
            if number > 0:
                client.recv(4096)
            client.sendall(reply.encode() + b"\r\n")
        self.over.wait()

    def hang_up(self) -> None:
        self.shut(socket.SHUT_RDWR)

    def __exit__(self, *_) -> None:
        self.hang_up()
        self.over.set()
        super().__exit__()


class Full:
    """Takes no connection: as many wait for it as may. `hang_up` refuses them."""

    def __enter__(self) -> "Full":
        self.listener = loopback(backlog=0)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.waiting: list[socket.socket] = []
        while True:
            self.waiting.append(socket.socket())
            # A connection of the loopback is there at once, or not at all.
            self.waiting[-1].settimeout(0.2)
            try:
                self.waiting[-1].connect(self.listener.getsockname())
            except TimeoutError:
                return self

    def __exit__(self, *_) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        self.listener.close()
        for one in self.waiting:
            one.close()
