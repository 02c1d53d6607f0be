# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of esmtp-token share: an authority, HTTPS servers that do as a test says, and the
program with a configuration in a folder of its own."""

import contextlib
import http.server
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/real"))

from certificates import Certificates  # noqa: E402
from listening import tls_of  # noqa: E402

CONFIGURATION, NETWORK, REFUSED, STATE, OUTPUT, FAULT = 3, 4, 5, 6, 7, 8
# A run's own limit is far below; a machine may be busy.
SECONDS = 60
# Nothing that this machine has set for its own network.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if not name.lower().endswith("_proxy") and name not in ("CREDENTIALS_DIRECTORY", "STATE_DIRECTORY")
}

program = ROOT / "target/debug/esmtp-token"


def main() -> None:
    """As unittest.main, with --program FILE."""
    global program
    if "--program" in sys.argv:
        at = sys.argv.index("--program")
        program = Path(sys.argv[at + 1]).resolve()
        del sys.argv[at : at + 2]
    if not program.exists():
        sys.exit(f"{program} is not there: cargo build -p esmtp-token")
    # The log says why a test was skipped.
    unittest.main(verbosity=2)


class Question:
    """What came to a server."""

    def __init__(self, path: str, headers, body: bytes):
        self.path = path
        self.headers = headers
        pairs = urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body))
        self.form = dict(pairs)


def answer(status: int = 200, body: object = None, kind: str = "application/json", **headers: str) -> bytes:
    """An HTTP answer; a body that is no text is written as JSON."""
    if not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def token(access_token: str = "access-1", **members) -> bytes:
    return answer(200, {"access_token": access_token, "token_type": "Bearer", "expires_in": 3600, **members})


class Server:
    """An HTTPS server on 127.0.0.1. `respond` takes a Question and gives what is to be written: octets,
    or several pieces of them with whatever the test does in between. With `both_addresses` it is on ::1, too, if
    the system has that: some proxies try no other address of localhost."""

    def __init__(self, certificate: Path, respond, both_addresses: bool = False):
        self.respond = respond
        self.questions: list[Question] = []
        self.connections = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length", 0))
                question = Question(self.path, self.headers, self.rfile.read(length))
                outer.questions.append(question)
                pieces = outer.respond(question)
                try:
                    for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                        self.wfile.write(piece)
                        self.wfile.flush()
                except OSError:
                    pass  # The program had enough of it.
                self.close_connection = True

            do_GET = do_POST

            def log_message(self, *_) -> None:
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def get_request(self):
                outer.connections += 1
                connection, address = super().get_request()
                connection.settimeout(SECONDS)
                return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

            def handle_error(self, *_) -> None:
                pass  # A handshake that the program broke off.

        class QuietV6(Quiet):
            address_family = socket.AF_INET6

        context = tls_of(certificate)
        self.servers = [Quiet(("127.0.0.1", 0), Handler)]
        self.port = self.servers[0].server_address[1]
        self.url = f"https://localhost:{self.port}"
        if both_addresses:
            with contextlib.suppress(OSError):
                self.servers.append(QuietV6(("::1", self.port), Handler))

    def __enter__(self):
        self.threads = [
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}) for server in self.servers
        ]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        for server, thread in zip(self.servers, self.threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()


class Case(unittest.TestCase):
    """A folder with a configuration and a state folder."""

    certificates: Certificates

    @classmethod
    def setUpClass(cls) -> None:
        folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="esmtp-token-ca-")))
        cls.certificates = Certificates(folder)

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="esmtp-token-")))
        self.state = self.folder / "state"
        self.state.mkdir(mode=0o700)
        self.config = self.folder / "token.toml"

    def serve(self, respond, certificate: Path | None = None, both_addresses: bool = False) -> Server:
        return self.enterContext(Server(certificate or self.certificates.good, respond, both_addresses))

    def configure(self, url: str, *lines: str, grant: str = "client-credentials", top: str = "") -> None:
        """One name, `x`, at the server."""
        if grant == "client-credentials" and not any("key" in line for line in lines):
            lines = ('client-secret = "the-secret"', *lines)
        text = f"""version = 1
state = "{self.state}"
{top}
[x]
grant = "{grant}"
token-endpoint = "{url}/token"
client-id = "client"
ca-file = "{self.certificates.ca}"
"""
        self.write_config(text + "\n".join(lines) + "\n")

    def write_config(self, text: str) -> None:
        self.config.unlink(missing_ok=True)
        self.config.touch(mode=0o600)
        self.config.write_text(text)

    def keep(self, refresh_token: str, url: str) -> None:
        """A refresh token as if somebody had agreed."""
        done = self.run_program("import", "x", input=refresh_token.encode())
        self.assertEqual(done.returncode, 0, done)

    def kept(self) -> str:
        return json.loads((self.state / "x.json").read_text())["refresh_token"]

    def command(self, *arguments: str) -> list:
        return [program, "--config", self.config, *arguments]

    def run_program(self, *arguments: str, input: bytes = b"", **environment: str):
        return subprocess.run(
            self.command(*arguments),
            input=input,
            capture_output=True,
            timeout=SECONDS,
            env={**ENVIRONMENT, **environment},
        )

    def assert_token(self, done, access_token: str = "access-1") -> int | None:
        """The token, and its expiry if there is one."""
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        first, *rest = done.stdout.decode().split("\n")
        self.assertEqual(first, access_token)
        self.assertEqual(rest.pop(), "")
        if not rest:
            return None
        (line,) = rest
        return int(line.removeprefix("expires="))

    def assert_fails(self, done, code: int, *parts: str) -> str:
        """One line that has the parts, and nothing where a token would be."""
        message = done.stderr.decode()
        self.assertEqual((done.returncode, done.stdout), (code, b""), message)
        self.assertTrue(message.endswith("\n") and message.count("\n") == 1, message)
        self.assertTrue(message.startswith("esmtp-token: "), message)
        self.assertNotIn("the-secret", message)
        self.assertNotRegex(message, r"refresh-\d")
        for part in parts:
            self.assertIn(part, message)
        return message
