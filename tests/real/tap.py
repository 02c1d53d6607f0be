# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who listens in on the way to a server: passes on what both sides say, and writes down what the
client said."""

import socket

from listening import Listening, between


class Tap(Listening):
    """`port` leads to the server."""

    def __init__(self, server_port: int) -> None:
        super().__init__()
        self.server_port = server_port
        self.said = bytearray()

    def serve(self, client: socket.socket, number: int) -> None:
        with socket.create_connection(("127.0.0.1", self.server_port)) as server:
            between(client, server, self.said)
