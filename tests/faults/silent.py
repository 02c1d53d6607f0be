# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that say nothing more from some point on: the client waits."""

import contextlib
import socket
import threading

PATIENCE_SECONDS = 60


class Silent:
    """Answers so many times, the greeting first, then neither says nor reads anything. `hang_up`
    ends the client's wait."""

    def __init__(self, *replies: str) -> None:
        self.replies = replies
        self.clients: list[socket.socket] = []

    def __enter__(self) -> "Silent":
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        self.thread.join()
        for one in [self.listener, *self.clients]:
            one.close()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self.listener.accept()
            client.settimeout(PATIENCE_SECONDS)
            self.clients.append(client)
            for number, reply in enumerate(self.replies):
                if number > 0:
                    client.recv(4096)
                client.sendall(reply.encode() + b"\r\n")

    def hang_up(self) -> None:
        for client in self.clients:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)


class Full:
    """Takes no connection: as many wait for it as may. `hang_up` refuses them."""

    def __enter__(self) -> "Full":
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
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
