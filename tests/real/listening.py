# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who listens on a socket and serves each client in a thread of its own."""

import contextlib
import socket
import ssl
import subprocess
import threading
from pathlib import Path

# A client that is gone is noticed at once; a machine may be busy.
PATIENCE_SECONDS = 60


def loopback(port: int = 0, backlog: int = 128) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=backlog)


def unix(path: Path, mode: int = 0o600) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(mode)
    listener.listen()
    return listener


def free_port() -> int:
    """One on which nobody listens. For a server that takes no port 0, what the kernel gives us a moment before is the
    nearest."""
    with loopback() as probe:
        return probe.getsockname()[1]


def tls_of(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


class Listening:
    """`with Listening() as server: … server.port`. On a port that the kernel picks, or on another socket. What is said
    to a client is up to who inherits from it; here it hangs up."""

    def __init__(self, listener: socket.socket | None = None) -> None:
        self.listener = listener or loopback()
        if self.listener.family == socket.AF_INET:
            self.port = self.listener.getsockname()[1]
            self.address = f"127.0.0.1:{self.port}"
        self.connections = 0
        self.clients: set[socket.socket] = set()
        self.threads: list[threading.Thread] = []

    def __enter__(self):
        self.acceptor = threading.Thread(target=self.accept)
        self.acceptor.start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        # close() alone does not wake up the thread that waits in accept(). It may be closed already.
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()
        # What has come is still read and answered.
        self.shut(socket.SHUT_RD)
        for thread in self.threads:
            thread.join(PATIENCE_SECONDS)

    def shut(self, how: int) -> None:
        for client in list(self.clients):
            with contextlib.suppress(OSError):
                client.shutdown(how)

    def accept(self) -> None:
        # Ends when the listener is shut down.
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.connections += 1
                self.clients.add(client)
                self.threads.append(threading.Thread(target=self.handle, args=(client, self.connections)))
                self.threads[-1].start()

    def handle(self, client: socket.socket, number: int) -> None:
        client.settimeout(PATIENCE_SECONDS)
        # The client may go away at any time.
        with contextlib.suppress(OSError), client:
            self.serve(client, number)
        self.clients.discard(client)

    def serve(self, client: socket.socket, number: int) -> None:
        pass


class Inetd(Listening):
    """Starts a program for each client, with the connection as standard input and output."""

    def __init__(self, command: list, listener: socket.socket | None = None, **how) -> None:
        super().__init__(listener)
        self.command = command
        self.how = how
        self.errors = b""

    def serve(self, client: socket.socket, number: int) -> None:
        # The program knows nothing of sockets that do not block.
        client.setblocking(True)
        done = subprocess.run(self.command, stdin=client, stdout=client, timeout=PATIENCE_SECONDS, **self.how)
        self.errors += done.stderr or b""


def between(client: socket.socket, server: socket.socket, said: bytearray | None = None) -> None:
    """Passes on what both say until both have said their last word; what the client says goes into `said`, too."""
    back = threading.Thread(target=pass_on, args=(server, client))
    back.start()
    pass_on(client, server, said)
    back.join()


def pass_on(source: socket.socket, target: socket.socket, record: bytearray | None = None) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            if record is not None:
                record += piece
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
