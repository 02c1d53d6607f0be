# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server that takes mail as fast as it can and keeps only the beginning of each text."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path

PATIENCE_SECONDS = 60
KEPT = 4096
END = b"\r\n.\r\n"
BLOCK = 1 << 20


class Sink:
    """`with Sink() as sink: … sink.address … sink.texts`."""

    def __init__(
        self,
        keywords: str = "",
        certificate: Path | None = None,
        hangs_up_after: int = 0,
        prompts: dict[bytes, list[bytes]] | None = None,
    ):
        self.keywords = ["sink.example", *keywords.split()]
        self.hangs_up_after = hangs_up_after
        # What is said to an AUTH command that begins so, and to what the client answers.
        self.prompts = prompts or {}
        self.texts: list[bytes] = []
        self.commands: list[bytes] = []
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.acceptor = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "Sink":
        self.acceptor.start()
        return self

    def __exit__(self, *_) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.acceptor.join(PATIENCE_SECONDS)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                client.settimeout(PATIENCE_SECONDS)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # A client may go away at any time.
        with suppress(OSError), client:
            if self._talk(client, secure=False):
                with self.context.wrap_socket(client, server_side=True) as secured:
                    self._talk(secured, secure=True)

    def _talk(self, client: socket.socket, *, secure: bool) -> bool:
        """True: the client wants TLS."""
        if not secure:
            client.sendall(b"220 sink.example\r\n")
        pending = b""
        prompts: list[bytes] = []
        while True:
            while b"\r\n" not in pending:
                data = client.recv(65536)
                if not data:
                    return False
                pending += data
            line, pending = pending.split(b"\r\n", 1)
            self.commands.append(line)
            if prompts:
                client.sendall(prompts.pop(0) + b"\r\n")
                continue
            verb = line.split(b" ")[0].upper()
            if verb == b"EHLO":
                words = [word.replace("=", " ") for word in self.keywords]
                if self.context and not secure:
                    words.append("STARTTLS")
                lines = [f"250{'-' if at + 1 < len(words) else ' '}{word}" for at, word in enumerate(words)]
                client.sendall("".join(line + "\r\n" for line in lines).encode())
            elif verb == b"STARTTLS":
                client.sendall(b"220 go\r\n")
                return True
            elif verb == b"AUTH" and self.prompts:
                prompts = next(list(after) for start, after in self.prompts.items() if line.startswith(start))
                client.sendall(prompts.pop(0) + b"\r\n")
            elif verb == b"AUTH":
                client.sendall(b"235 welcome\r\n" if line.endswith(b"AHVzZXIAc2VjcmV0") else b"535 no\r\n")
            elif verb == b"DATA":
                client.sendall(b"354 go\r\n")
                pending = self._text(client, pending)
                client.sendall(b"250 taken\r\n")
            elif verb == b"QUIT":
                client.sendall(b"221 bye\r\n")
                return False
            else:
                client.sendall(b"250 fine\r\n")

    def _text(self, client: socket.socket, start: bytes) -> bytes:
        """Reads a text; what came after its end is the next command."""
        kept, total = b"", 0
        # The CRLF of the command counts for a text that begins with its end.
        tail, buffer, count = b"\r\n", bytearray(max(BLOCK, len(start))), len(start)
        buffer[:count] = start
        while True:
            kept += buffer[: min(count, KEPT - len(kept))]
            seam = tail + buffer[: min(count, len(END) - 1)]
            end = seam.find(END) - len(tail) if END in seam else buffer.find(END, 0, count)
            if end >= 0 or END in seam:
                self.texts.append(kept[: max(0, end)])
                return bytes(buffer[end + len(END) : count])
            tail = (tail + buffer[max(0, count - len(END)) : count])[1 - len(END) :]
            count = client.recv_into(buffer)
            total += count
            if count == 0 or 0 < self.hangs_up_after < total:
                raise ConnectionAbortedError
