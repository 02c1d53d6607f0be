# SPDX-License-Identifier: LGPL-2.1-or-later
"""A scripted SMTP server on 127.0.0.1 that records what it receives.

It answers every command with a sensible default; a script changes only the
replies that a test is about. README.md describes the script.
"""

import contextlib
import select
import socket
import struct
import threading

import secure
from envelope import Envelope
from exchanges import exchange
from reply_script import parse

# No test waits longer than this for a client that does nothing.
IDLE_LIMIT = 20.0


class Connection(threading.Thread):
    """One client. `received` holds its bytes, `remarks` what the server noticed."""

    def __init__(self, sock, script, certificates):
        super().__init__(daemon=True)
        self.sock = sock
        self.script = script
        self.certificates = certificates
        self.secured = False
        self.exchange = None
        self.received = bytearray()
        self.remarks = []
        self.pending = bytearray()
        self.unread = 0  # octets of `pending` that the client meant as a chunk
        self.held = bytearray()  # replies, see say()
        self.envelope = Envelope()

    # -- reading ---------------------------------------------------------

    def fill(self):
        """More bytes into `pending`; False at the end of the stream."""
        try:
            self.flush()
            data = self.sock.recv(65536)
        except OSError as error:
            lost = "no end of TLS" if secure.is_ragged(error) else "connection lost"
            self.remarks.append(lost + secure.reason(error))
            return False
        self.received += data
        self.pending += data
        return bool(data)

    def take(self, count):
        self.unread = max(0, self.unread - count)
        taken = bytes(self.pending[:count])
        del self.pending[:count]
        return taken

    def line(self):
        """The next command line, or None at the end of the stream."""
        start = 0
        while (end := self.pending.find(b"\n", start)) < 0:
            start = len(self.pending)
            if not self.fill():
                if self.pending:
                    self.remarks.append("line without end")
                return None
        return self.take(end + 1)

    def octets(self, count):
        while len(self.pending) < count:
            if not self.fill():
                self.remarks.append("chunk cut off")
                return False
        self.take(count)
        return True

    def text(self):
        """Swallows the message text up to the lone dot."""
        interruption = self.script.interruption()
        if interruption and not self.interrupted(*interruption):
            return False
        # The end may be the very first line of the text.
        self.pending[:0] = b"\r\n"
        searched = 0
        while (end := self.pending.find(b"\r\n.\r\n", searched)) < 0:
            searched = max(0, len(self.pending) - 4)
            if not self.fill():
                self.remarks.append("text cut off")
                return False
        self.take(end + 5)
        return True

    def interrupted(self, threshold, reply):
        while len(self.pending) < threshold:
            if not self.fill():
                self.remarks.append("text cut off")
                return False
        return self.perform(reply)

    def drain(self):
        """Reads until the client closes, so that closing sends no reset."""
        while self.fill():
            pass

    # -- answering -------------------------------------------------------

    def say(self, piece):
        """Who takes a chunk for commands answers when nothing is left to be read: so that what it obeyed does
        not depend on when the client hangs up."""
        self.held += piece
        if not self.script.unknown:
            self.flush()

    def flush(self):
        held, self.held = self.held, bytearray()
        if held:
            self.sock.sendall(held)

    def perform(self, reply):
        """Carries out a reply; False if the connection is over."""
        for action in reply.actions:
            if action.kind == "say":
                for piece in action.pieces:
                    self.say(piece)
            elif action.kind == "close":
                self.flush()
                secure.close_writing(self.sock)
                self.drain()
                return False
            elif action.kind == "reset":
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            elif action.kind == "stall":
                self.drain()
                return False
            elif action.kind == "await" and not self.fill():
                return False
            elif action.kind == "notify":
                secure.end(self.sock)
                self.drain()
                return False
            elif action.kind == "tls" and not self.start_tls():
                return False
        return True

    def start_tls(self):
        """What was said in clear counts for nothing any more (RFC 3207 §4.2)."""
        if self.pending:
            self.remarks.append("more than STARTTLS in clear text")
        inside = secure.secured(self.sock, self.script.tls, self.certificates, self.remarks)
        if inside is None:
            return False
        self.sock = inside
        self.secured = True
        self.pending.clear()
        self.script.begin_tls()
        self.envelope = Envelope()
        return True

    def answer(self, command):
        reply = self.script.reply(command, self.envelope)
        self.envelope.note(command, reply.code)
        return reply, self.perform(reply)

    def challenge(self, command):
        """What the client answers to a 334, or sends along with AUTH."""
        line = self.exchange.answer(command)
        self.sock.sendall(line.encode() + b"\r\n")
        if not line.startswith("334"):
            self.exchange = None
        return line.startswith("334")

    def authenticate(self, command, reply):
        """After AUTH: True if the next line is an answer."""
        words = [action.pieces for action in reply.actions if action.kind == "exchange"]
        if not words:
            return reply.code == 334
        self.exchange = exchange(words[0], self.sock)
        return self.challenge(command.split()[2])

    def chunk(self, command):
        """A BDAT command is answered once its octets have arrived."""
        words = command.split()
        count = words[1] if len(words) > 1 else b""
        if not count.isdigit():
            return self.answer(b"BDAT without size")[1]
        if b"BDAT" in self.script.unknown:
            self.unread += int(count)
            return self.answer(command)[1]
        if not self.octets(int(count)):
            return False
        # So that a rule can be for the last one, whatever its size.
        last = words[-1].upper() == b"LAST"
        return self.answer(b"BDAT LAST" if last else command)[1]

    def serve(self):
        if not self.answer(b"greeting")[1]:
            return
        challenged = False
        while True:
            in_chunk = self.unread > 0
            if (line := self.line()) is None:
                return
            command = line.rstrip(b"\r\n")
            if self.exchange:
                challenged = self.challenge(command)
                more = True
            elif challenged:
                reply, more = self.answer(b"answer " + command)
                challenged = reply.code == 334
            elif command[:4].upper() == b"BDAT":
                more = self.chunk(command)
            else:
                reply, more = self.answer(command)
                if in_chunk and 200 <= reply.code < 400:
                    self.remarks.append("obeyed text: " + command.decode(errors="replace"))
                challenged = more and self.authenticate(command, reply)
                if more and command.upper() == b"DATA" and 300 <= reply.code < 400:
                    more = self.text() and self.answer(b"text")[1]
            if not more:
                return

    def run(self):
        self.sock.settimeout(IDLE_LIMIT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.serve()
        except OSError:
            self.remarks.append("connection lost")
        finally:
            if self.secured:
                secure.end(self.sock)
            self.sock.close()


class ScriptedServer:
    """Listens as long as the `with` block lasts; `port` is the kernel's choice."""

    def __init__(self, text, certificates=None):
        self.scripts = parse(text)
        self.certificates = certificates
        self.connections = []
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(16)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.wakeup, self.waker = socket.socketpair()
        self.acceptor = threading.Thread(target=self.accept_all, daemon=True)

    def accept_all(self):
        while True:
            readable, _, _ = select.select([self.listener, self.wakeup], [], [])
            # Clients that came and went before the end still count.
            with contextlib.suppress(BlockingIOError):
                while True:
                    sock, _ = self.listener.accept()
                    sock.setblocking(True)
                    self.admit(sock)
            if self.wakeup in readable:
                return

    def admit(self, sock):
        number = len(self.connections)
        connection = Connection(sock, self.scripts.of(number), self.certificates)
        self.connections.append(connection)
        connection.start()

    def __enter__(self):
        self.acceptor.start()
        return self

    def finish(self):
        """To be called when the client has gone: waits for its connections."""
        self.waker.close()
        self.acceptor.join()
        for connection in self.connections:
            connection.join(IDLE_LIMIT)

    def __exit__(self, *_):
        if self.acceptor.is_alive():
            self.waker.close()
            self.acceptor.join()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
            connection.join(IDLE_LIMIT)
        self.listener.close()
        self.wakeup.close()
