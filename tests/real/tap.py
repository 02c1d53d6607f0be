# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who listens in on the way to a server: passes on what both sides say, and writes down what the
client said."""

import contextlib
import socket
import threading


class Tap:
    """A context manager; `port` leads to the server."""

    def __init__(self, server_port: int):
        self.server_port = server_port
        self.said = bytearray()
        self.threads: list[threading.Thread] = []

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.run(self.accept)
        return self

    def __exit__(self, *_) -> None:
        # close() alone does not wake up the thread that waits in accept().
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join()

    def run(self, function, *arguments) -> None:
        thread = threading.Thread(target=function, args=arguments)
        self.threads.append(thread)
        thread.start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.server_port))
                self.run(self.between, client, server)

    def between(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            back = threading.Thread(target=self.forward, args=(server, client, bytearray()))
            back.start()
            self.forward(client, server, self.said)
            back.join()

    @staticmethod
    def forward(source: socket.socket, target: socket.socket, record: bytearray) -> None:
        """Returns when the source has said its last word."""
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                record += piece
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
