# SPDX-License-Identifier: LGPL-2.1-or-later
"""The way to a server of OAuth, for answers.py: what goes wrong on it, and proxies."""

import base64
import socket
import threading
import time
from pathlib import Path

from harness import CONFIGURATION, NETWORK, SECONDS, Case, answer, token

# Found by harness.
import relays  # isort: skip
from listening import Listening, between, free_port, tls_of  # isort: skip


class Transport(Case):
    def test_ten_megabytes(self) -> None:
        def respond(_):
            yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000100\r\n\r\n"
            for _ in range(1000):
                yield b" " * 10_000

        server = self.serve(respond)
        self.configure(server.url)
        self.assert_fails(self.run_program("x"), NETWORK, "more than 262144 octets")

    def test_ten_megabytes_without_a_length(self) -> None:
        def respond(_):
            yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            for _ in range(1000):
                yield b"2710\r\n" + b" " * 10_000 + b"\r\n"

        server = self.serve(respond)
        self.configure(server.url)
        self.assert_fails(self.run_program("x"), NETWORK, "more than 262144 octets")

    def test_headers_without_end(self) -> None:
        def respond(_):
            yield b"HTTP/1.1 200 OK\r\n"
            for number in range(20_000):
                yield b"X-%d: %s\r\n" % (number, b"y" * 100)

        server = self.serve(respond)
        self.configure(server.url)
        self.assert_fails(self.run_program("x"), NETWORK, "header")

    def test_slow_answers(self) -> None:
        """A head that does not come, one octet at a time, and a body that stops: each ends in time."""
        stop = threading.Event()
        self.addCleanup(stop.set)

        def nothing(_):
            stop.wait(SECONDS)
            yield b""

        def drops(_):
            for octet in token():
                yield bytes([octet])
                if stop.wait(0.2):
                    return

        def half(_):
            yield token()[:-10]
            stop.wait(SECONDS)

        for respond in (nothing, drops, half):
            server = self.serve(respond)
            self.configure(server.url, top='timeout = "1s"')
            self.assert_fails(self.run_program("x"), NETWORK, "no answer in time")

    def test_a_handshake_that_does_not_go_on(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.configure(f"https://localhost:{listener.getsockname()[1]}", top='timeout = "1s"')
            self.assert_fails(self.run_program("x"), NETWORK, "no answer in time")

    def test_connections_that_break(self) -> None:
        good = token()
        for length in (0, 1, 20, len(good) - 1):
            server = self.serve(lambda _, length=length: good[:length])
            self.configure(server.url)
            self.assert_fails(self.run_program("x"), NETWORK)
            # What was sent once may have been taken.
            self.assertEqual(len(server.questions), 1)

    def test_no_http(self) -> None:
        for reply in (b"220 mail.example ESMTP\r\n", b"\0" * 100, b"HTTP/9.9 abc\r\n\r\n"):
            server = self.serve(lambda _, reply=reply: reply)
            self.configure(server.url, top='timeout = "2s"')
            self.assert_fails(self.run_program("x"), NETWORK)

    def test_nobody_listens(self) -> None:
        self.configure(f"https://localhost:{free_port()}", top='timeout = "1s"')
        self.assert_fails(self.run_program("x"), NETWORK, "refused")

    def test_an_address_in_place_of_a_name(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(f"https://127.0.0.1:{server.port}")
        self.assert_token(self.run_program("x"))
        server = self.serve(lambda _: token(), self.certificates.wrong_name)
        self.configure(f"https://127.0.0.1:{server.port}")
        self.assert_fails(self.run_program("x"), NETWORK, "certificate")

    def test_no_such_host(self) -> None:
        self.configure("https://host.invalid", top='timeout = "1s"')
        self.assert_fails(self.run_program("x"), NETWORK, "host.invalid")

    def test_redirects_are_not_followed(self) -> None:
        other = self.serve(lambda _: token())
        for status in (301, 302, 303, 307, 308):
            location = f"{other.url}/token?x=the-secret"
            server = self.serve(lambda _, status=status: answer(status, "", Location=location))
            self.configure(server.url)
            self.assert_fails(self.run_program("x"), NETWORK, f"{status}", f"{other.url}/token, which is not followed")
        self.assertEqual(other.connections, 0)

    def test_wrong_certificates(self) -> None:
        certificates = self.certificates
        for certificate in (
            certificates.expired,
            certificates.not_yet_valid,
            certificates.wrong_name,
            certificates.self_signed,
        ):
            server = self.serve(lambda _: token(), certificate)
            self.configure(server.url)
            self.assert_fails(self.run_program("x"), NETWORK, "TLS", "certificate")
            self.assertEqual(server.questions, [])

    def test_an_authority_that_the_system_does_not_know(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url)
        lines = self.config.read_text().splitlines(keepends=True)
        self.write_config("".join(line for line in lines if not line.startswith("ca-file")))
        self.assert_fails(self.run_program("x"), NETWORK, "certificate")
        self.assertEqual(server.questions, [])
        # OpenSSL's own variable is the system's word too.
        self.assert_token(self.run_program("x", SSL_CERT_FILE=str(self.certificates.ca)))

    def test_later_is_asked_again(self) -> None:
        for status in (429, 500, 502, 503, 504):
            replies = [answer(status, "<html>"), answer(status, {"error": "temporarily_unavailable"}), token()]
            server = self.serve(lambda _, replies=replies: replies.pop(0))
            self.configure(server.url, top='timeout = "20s"')
            self.assert_token(self.run_program("x"))
            self.assertEqual(len(server.questions), 3)

    def test_later_has_an_end(self) -> None:
        server = self.serve(lambda _: answer(503, ""))
        self.configure(server.url, top='timeout = "2s"')
        self.assert_fails(self.run_program("x"), NETWORK, "answers 503")
        self.assertGreaterEqual(len(server.questions), 2)

    def test_the_server_says_when(self) -> None:
        """Beyond the limit there is no waiting, below it no asking too early."""
        server = self.serve(lambda _: answer(429, "", Retry_After="3600"))
        self.configure(server.url)
        self.assert_fails(self.run_program("x"), NETWORK, "answers 429 (again in 3600 s)")
        self.assertEqual(len(server.questions), 1)

        times = []

        def respond(_):
            times.append(time.monotonic())
            return token() if len(times) > 1 else answer(503, "", Retry_After="1")

        server = self.serve(respond)
        self.configure(server.url, top='timeout = "30s"')
        self.assert_token(self.run_program("x"))
        self.assertGreaterEqual(times[1] - times[0], 0.95)


class Proxy(Listening):
    """A proxy that takes CONNECT and carries octets, or refuses."""

    def __init__(self, refuse: bool = False, certificate: Path | None = None):
        super().__init__()
        self.refuse = refuse
        self.tls = tls_of(certificate) if certificate else None
        self.heads: list[str] = []

    def serve(self, client: socket.socket, number: int) -> None:
        if self.tls is not None:
            client = self.tls.wrap_socket(client, server_side=True)
        with client:
            head = b""
            while not head.endswith(b"\r\n\r\n") and (more := client.recv(1)):
                head += more
            self.heads.append(head.decode())
            if self.refuse:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
                return
            host, _, port = head.split()[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                between(client, server)


class Proxies(Case):
    def test_the_usual_variables(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url)
        for variable in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            with Proxy() as proxy:
                # OAuth's server sees no difference; the proxy sees a name and no question.
                done = self.run_program("x", **{variable: f"http://me:pass@{proxy.address}"})
                self.assert_token(done)
                (head,) = proxy.heads
                self.assertTrue(head.startswith(f"CONNECT localhost:{server.port} HTTP/1.1\r\n"), head)
                self.assertIn("Basic " + base64.b64encode(b"me:pass").decode(), head)
                self.assertNotIn("secret", head)

    def test_the_one_for_https_comes_first(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url)
        with Proxy() as proxy:
            wrong = f"http://127.0.0.1:{free_port()}"
            self.assert_token(
                self.run_program("x", https_proxy=f"http://{proxy.address}", ALL_PROXY=wrong, http_proxy=wrong)
            )
            self.assertEqual(len(proxy.heads), 1)

    def test_real_proxies(self) -> None:
        """SOCKS 5, with names looked up here or there and with a password; HTTP with a password."""
        server = self.serve(lambda _: token(), both_addresses=True)
        self.configure(server.url)
        with relays.Microsocks("-u", "me", "-P", "p@ss") as socks, relays.Tinyproxy("me", "pass") as http:
            for proxy in (
                f"socks5://me:p%40ss@127.0.0.1:{socks.port}",
                f"socks5h://me:p%40ss@127.0.0.1:{socks.port}",
                f"http://me:pass@127.0.0.1:{http.port}",
            ):
                self.assert_token(self.run_program("x", https_proxy=proxy))
            for proxy in (f"socks5h://me:wrong@127.0.0.1:{socks.port}", f"http://me:wrong@127.0.0.1:{http.port}"):
                message = self.assert_fails(self.run_program("x", https_proxy=proxy), NETWORK)
                self.assertNotIn("wrong", message)
        self.assertEqual(len(server.questions), 3)

    def test_a_proxy_over_tls(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url, top='timeout = "5s"')
        with Proxy(certificate=self.certificates.good) as proxy:
            port = proxy.address.rpartition(":")[2]
            self.assert_token(self.run_program("x", https_proxy=f"https://me:pass@localhost:{port}"))
            self.assertEqual(len(proxy.heads), 1)
        with Proxy(certificate=self.certificates.wrong_name) as proxy:
            port = proxy.address.rpartition(":")[2]
            done = self.run_program("x", https_proxy=f"https://me:pass@localhost:{port}")
            self.assert_fails(done, NETWORK, "certificate")
            self.assertEqual(proxy.heads, [])

    def test_hosts_without(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url)
        wrong = f"http://127.0.0.1:{free_port()}"
        self.assert_token(self.run_program("x", https_proxy=wrong, no_proxy="a.example,localhost"))
        self.assert_token(self.run_program("x", HTTPS_PROXY=wrong, NO_PROXY="*"))
        # Of the other kind of address.
        self.assert_token(self.run_program("x", http_proxy=wrong))

    def test_a_proxy_that_refuses_or_is_not_there(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url, top='timeout = "2s"')
        with Proxy(refuse=True) as proxy:
            self.assert_fails(self.run_program("x", https_proxy=f"http://me:pass-word@{proxy.address}"), NETWORK, "407")
        done = self.run_program("x", https_proxy=f"http://127.0.0.1:{free_port()}")
        self.assert_fails(done, NETWORK)
        self.assertEqual(server.questions, [])

    def test_an_address_that_is_none(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url)
        for value in ("http://", "ftp://me:pass-word@proxy.example", "::::"):
            message = self.assert_fails(self.run_program("x", https_proxy=value), CONFIGURATION, "https_proxy")
            self.assertNotIn("pass-word", message)
        self.assertEqual(server.connections, 0)
