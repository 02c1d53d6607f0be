#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's own esmtp program finds its server by the SRV records of a domain: in namespaces of
its own, with a name server that this test runs and a resolv.conf that names it.

    tests/real/srv.py [--build BUILD]    BUILD holds libesmtp.so.6 (default: build)

Runs again as root of those namespaces: there, port 53 of the loopback is free for everybody."""

import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import harness
from listening import Listening, free_port
from mail_server import MailServer
from servers import PATH, find

SENDER = "sender@example.net"
RECIPIENT = "recipient@example.org"
ESMTP_SECONDS = 20
# Says that the namespaces are there.
MARK = "ESMTP_TEST_NAMESPACES"
NAMESPACES = ["unshare", "--map-root-user", "--net", "--mount"]

A, SRV, AAAA = 1, 33, 28
SERVER_FAILURE, NAME_ERROR = 2, 3

SUBMISSION = "_submission._tcp.example.org"
SUBMISSIONS = "_submissions._tcp.example.org"
NO_NAME = "Name or service not known"
NO_SERVICE = "Servname not supported for ai_socktype"
TRY_AGAIN = "Temporary failure in name resolution"

ROOT = Path(__file__).resolve().parents[2]


def wire_name(name: str) -> bytes:
    """As in RFC 1035 §3.1; "." is the root."""
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def srv(priority: int, port: int, target: str) -> tuple[int, bytes]:
    return SRV, struct.pack("!HHH", priority, 0, port) + wire_name(target)


def a(address: str) -> tuple[int, bytes]:
    return A, socket.inet_aton(address)


class NameServer:
    """Answers over UDP from a table: a name's records, or the code of an error."""

    def __init__(self, zone: dict[str, list[tuple[int, bytes]] | int]) -> None:
        self.zone = {name.lower(): records for name, records in zone.items()}
        self.asked: list[tuple[str, int]] = []

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        # An empty query ends the thread.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(b"", self.socket.getsockname())
        self.thread.join()
        self.socket.close()

    def serve(self) -> None:
        while True:
            query, client = self.socket.recvfrom(4096)
            if not query:
                return
            self.socket.sendto(self.answer(query), client)

    def answer(self, query: bytes) -> bytes:
        labels = []
        at = 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode())
            at += 1 + length
        question = query[12 : at + 5]
        (kind,) = struct.unpack("!H", query[at + 1 : at + 3])
        name = ".".join(labels).lower()
        self.asked.append((name, kind))
        found = self.zone.get(name, NAME_ERROR)
        code, records = (found, []) if isinstance(found, int) else (0, found)
        # The name of each record points to the question's.
        answers = [
            b"\xc0\x0c" + struct.pack("!HHIH", one, 1, 60, len(data)) + data for one, data in records if one == kind
        ]
        header = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(answers), 0, 0)
        return header + question + b"".join(answers)

    def names(self, kind: int) -> list[str]:
        return [name for name, asked in self.asked if asked == kind]


class Listener(Listening):
    """Keeps the first bytes of a connection."""

    hello = b""

    def serve(self, client: socket.socket, number: int) -> None:
        self.hello = client.recv(4096)


def send(server: str) -> str:
    """Sends a mail with esmtp; gives its complaint, nothing if there was none."""
    with tempfile.TemporaryDirectory(prefix="esmtp-home-") as home:
        settings = Path(home) / "esmtprc"
        settings.write_text(f"hostname = {server}\nhelo = client.example\n")
        done = subprocess.run(
            [find("esmtp"), "-C", settings, "-f", SENDER, RECIPIENT],
            env={"HOME": home, "PATH": PATH, "LD_LIBRARY_PATH": str(harness.build)},
            input=b"Subject: by SRV\n\nfound\n",
            capture_output=True,
            timeout=ESMTP_SECONDS,
        )
    complaint = done.stderr.decode(errors="replace")
    assert (done.returncode == 0) == (complaint == ""), f"{done.returncode}: {complaint}"
    return complaint


class Srv(unittest.TestCase):
    def test_priorities_and_failover(self) -> None:
        """The first target has no address, the second listens nowhere, the third at one of its
        addresses; the fourth is tried once the third has gone."""
        with MailServer() as third, MailServer() as fourth:
            zone = {
                SUBMISSION: [
                    srv(40, fourth.port, "fourth.example.net"),
                    srv(20, free_port(), "second.example.net"),
                    srv(30, third.port, "third.example.net"),
                    srv(10, third.port, "first.example.net"),
                ],
                "second.example.net": [a("127.0.0.1")],
                "third.example.net": [a("127.0.0.9"), a("127.0.0.1"), a("127.0.0.8")],
                "fourth.example.net": [a("127.0.0.1")],
            }
            with NameServer(zone) as names:
                self.assertEqual(send(SUBMISSION), "")
                self.assertEqual((len(third.mails), len(fourth.mails)), (1, 0))
                self.assertEqual(names.names(SRV), [SUBMISSION])
                tried = list(dict.fromkeys(names.names(A)))
                order = [f"{name}.example.net" for name in ("first", "second", "third")]
                self.assertEqual([name for name in tried if name.endswith(".example.net")], order)

                third.stop()
                self.assertEqual(send(SUBMISSION), "")
                self.assertEqual((len(third.mails), len(fourth.mails)), (1, 1))

                fourth.stop()
                self.assertIn("Connection refused", send(SUBMISSION))

    def test_service_overrides_the_port(self) -> None:
        with MailServer() as server:
            zone = {
                SUBMISSION: [srv(10, free_port(), "mx.example.net")],
                "mx.example.net": [a("127.0.0.1")],
            }
            with NameServer(zone):
                self.assertIn("Connection refused", send(SUBMISSION))
                self.assertEqual(send(f"{SUBMISSION}:{server.port}"), "")
                self.assertEqual(len(server.mails), 1)

    def test_submissions_means_tls(self) -> None:
        """TLS from the first byte, for the domain and not for the target."""
        with Listener() as listener:
            zone = {
                SUBMISSIONS: [srv(10, listener.port, "mx.example.net")],
                "mx.example.net": [a("127.0.0.1")],
            }
            with NameServer(zone):
                self.assertNotEqual(send(SUBMISSIONS), "")
        # RFC 8446 §5.1: a handshake record.
        self.assertEqual(listener.hello[:1], b"\x16")
        self.assertIn(b"\x0bexample.org", listener.hello)
        self.assertNotIn(b"mx.example.net", listener.hello)

    def test_a_daemon_without_standard_descriptors(self) -> None:
        """No socket has one of their numbers, those for the name servers included."""
        folder = self.enterContext(tempfile.TemporaryDirectory(prefix="esmtp-closed-"))
        program = Path(folder) / "closed"
        command = ["cc", "-D_GNU_SOURCE", f"-I{ROOT / 'include'}", ROOT / "tests/faults/c/closed.c", "-o", program]
        subprocess.run([*command, harness.build / "libesmtp.so.6", "-ldl"], check=True, timeout=60)
        with MailServer() as server:
            zone = {
                SUBMISSION: [srv(10, server.port, "mx.example.net")],
                "mx.example.net": [a("127.0.0.1")],
            }
            with NameServer(zone) as names:
                environment = {"HOME": folder, "PATH": PATH, "LD_LIBRARY_PATH": str(harness.build)}
                done = subprocess.run([program, SUBMISSION], env=environment, timeout=ESMTP_SECONDS)
                self.assertEqual(done.returncode, 0)
                self.assertEqual(len(server.mails), 2)
                self.assertEqual(set(names.names(SRV)), {SUBMISSION})

    def test_errors(self) -> None:
        for records, complaint in [
            (NAME_ERROR, NO_NAME),
            ([], NO_NAME),
            ([srv(0, 0, ".")], NO_SERVICE),
            (SERVER_FAILURE, TRY_AGAIN),
            ([srv(0, 587, "nowhere.example.net")], NO_NAME),
        ]:
            with self.subTest(records=records), NameServer({SUBMISSION: records}) as names:
                self.assertIn(complaint, send(SUBMISSION))
                self.assertIn(SUBMISSION, names.names(SRV))

    def test_a_host_is_no_service(self) -> None:
        with MailServer() as server, NameServer({"mx.example.org": [a("127.0.0.1")]}) as names:
            self.assertEqual(send(f"mx.example.org:{server.port}"), "")
            self.assertEqual(len(server.mails), 1)
            self.assertEqual(names.names(SRV), [])


def has_namespaces() -> bool:
    needed = all(shutil.which(program, path=PATH) for program in ("unshare", "ip", "mount"))
    return needed and subprocess.run([*NAMESPACES, "true"], capture_output=True).returncode == 0


def run_in_namespaces() -> int:
    """Runs this script again where only its own name server can be asked."""
    with tempfile.TemporaryDirectory(prefix="esmtp-etc-") as folder:
        files = {
            "resolv.conf": "nameserver 127.0.0.1\n",
            "nsswitch.conf": "hosts: files dns\n",
            "hosts": "127.0.0.1 localhost\n",
        }
        mounts = []
        for name, text in files.items():
            (Path(folder) / name).write_text(text)
            mounts.append(f"mount --bind {folder}/{name} /etc/{name}")
        script = " && ".join(["ip link set lo up", *mounts, 'exec "$@"'])
        command = [*NAMESPACES, "sh", "-c", script, "sh", sys.executable, *sys.argv]
        return subprocess.run(command, env={**os.environ, "PATH": PATH, MARK: "1"}).returncode


if __name__ == "__main__":
    if MARK not in os.environ:
        if has_namespaces():
            sys.exit(run_in_namespaces())
        Srv = unittest.skip("namespaces are not to be had here")(Srv)
    harness.main(__doc__)
