#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""esmtp-token and servers that answer well, badly, slowly, or not at all.

tests/token/answers.py [--program FILE]    FILE: target/debug/esmtp-token by default"""

import base64
import json
import os
import resource
import shutil
import socket
import subprocess
import threading
import time
import unittest
from email.utils import formatdate
from pathlib import Path

import harness
from harness import (
    CONFIGURATION,
    ENVIRONMENT,
    FAULT,
    NETWORK,
    OUTPUT,
    REFUSED,
    SECONDS,
    Case,
    answer,
    main,
    token,
)

# Found by harness.
import relays  # isort: skip
from listening import Listening, between, free_port, tls_of  # isort: skip


class Tokens(Case):
    def test_a_token_and_when_it_expires(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url, 'scope = ["one", "two"]', 'parameters = { resource = "r&=s" }')
        before = int(time.time())
        expires = self.assert_token(self.run_program("x"))
        self.assertTrue(before + 3600 <= expires <= time.time() + 3600, expires)
        (question,) = server.questions
        self.assertEqual(
            question.form,
            {
                "grant_type": "client_credentials",
                "client_id": "client",
                "client_secret": "the-secret",
                "scope": "one two",
                "resource": "r&=s",
            },
        )
        self.assertEqual(question.path, "/token")

    def test_basic_authentication(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url, 'client-auth = "basic"')
        self.assert_token(self.run_program("x"))
        (question,) = server.questions
        self.assertEqual(question.form, {"grant_type": "client_credentials"})
        both = base64.b64decode(question.headers["Authorization"].removeprefix("Basic ")).decode()
        self.assertEqual(both, "client:the%2Dsecret")

    def test_tokens_of_every_length(self) -> None:
        server = self.serve(lambda _: token("x" * length))
        self.configure(server.url)
        for length in (1, 4095, 4096, 4097, 16383, 16384):
            self.assert_token(self.run_program("x"), "x" * length)
        for length in (16385, 65536):
            self.assert_fails(self.run_program("x"), NETWORK, f"{length} octets")

    def test_no_expiry_is_printed_that_makes_no_sense(self) -> None:
        server = self.serve(lambda _: token(expires_in=value))
        self.configure(server.url)
        for value in (None, 0, -5, "soon", [], {}, True, "NaN"):
            self.assertIsNone(self.assert_token(self.run_program("x")), value)
        day = 24 * 60 * 60
        for value, least in ((3599.5, 3599), ("3599", 3599), (1e300, day), (2**70, day), ("1e999", day)):
            before = int(time.time())
            expires = self.assert_token(self.run_program("x"))
            self.assertTrue(before + least <= expires <= time.time() + least, (value, expires))

    def test_a_token_cannot_add_a_line(self) -> None:
        server = self.serve(lambda _: token(value))
        self.configure(server.url)
        for value in ("a\r\nb", "a\nexpires=99999999999", "a\0b", "a b", "\ufeffa", "ü", "", "a\x01auth=b"):
            self.assert_fails(self.run_program("x"), NETWORK, "access token")

    def test_other_members_that_make_no_sense(self) -> None:
        server = self.serve(lambda _: answer(200, body))
        self.configure(server.url)
        for body in (
            {"access_token": 1, "token_type": "Bearer"},
            {"access_token": None},
            {"access_token": ["a"]},
            {"access_token": "a", "token_type": "mac"},
            {"access_token": "a", "token_type": {}},
            {"token_type": "Bearer"},
        ):
            self.assert_fails(self.run_program("x"), NETWORK, "localhost")

    @unittest.skipIf(os.geteuid() != 0, "only root can be a user who may start nothing")
    def test_a_machine_that_starts_nothing_any_more(self) -> None:
        """The look-up of a name needs a thread."""
        server = self.serve(lambda _: token())
        user = 54321  # Nobody's.
        for name, source in (("esmtp-token", harness.program), ("ca.pem", self.certificates.ca)):
            shutil.copy(source, self.folder / name)
        self.configure(server.url)
        self.write_config(self.config.read_text().replace(str(self.certificates.ca), f"{self.folder}/ca.pem"))
        for file in (self.folder, *self.folder.iterdir()):
            os.chown(file, user, user)
        command = [self.folder / "esmtp-token", "--config", self.config, "x"]
        run = {"capture_output": True, "timeout": SECONDS, "env": ENVIRONMENT, "user": user, "group": user}
        self.assert_token(subprocess.run(command, **run))
        limit = (resource.RLIMIT_NPROC, (1, 1))
        done = subprocess.run(command, preexec_fn=lambda: resource.setrlimit(*limit), **run)
        self.assert_fails(done, FAULT, "thread")

    def test_nobody_reads_it(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url)
        with open("/dev/full", "wb") as full:
            done = subprocess.run(self.command("x"), stdout=full, stderr=subprocess.PIPE, timeout=SECONDS)
        self.assertEqual(done.returncode, OUTPUT, done)
        with subprocess.Popen(self.command("x"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
            run.stdout.close()
            self.assertIn(b"standard output", run.stderr.read())
            self.assertEqual(run.wait(SECONDS), OUTPUT)


class Refusals(Case):
    def test_the_servers_words_without_secrets(self) -> None:
        body = {
            "error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret 'the-secret'.\r\nTrace ID: 1\u202e\x1b[2J",
        }
        server = self.serve(lambda _: answer(401, body))
        self.configure(server.url)
        message = self.assert_fails(self.run_program("x"), REFUSED)
        self.assertEqual(
            message,
            f"esmtp-token: x: {server.url}/token: answers 401 invalid_client: "
            "AADSTS7000215: Invalid client secret '***'. Trace ID: 1 [2J\n",
        )
        self.assertEqual(len(server.questions), 1)

    def test_a_refusal_with_200(self) -> None:
        server = self.serve(lambda _: answer(200, {"error": "bad_refresh", "error_description": "no"}))
        self.configure(server.url)
        self.assert_fails(self.run_program("x"), REFUSED, "answers 200 bad_refresh: no")

    def test_a_very_long_description_is_cut(self) -> None:
        server = self.serve(lambda _: answer(400, {"error": "e" * 9999, "error_description": "d" * 9999}))
        self.configure(server.url)
        self.assertLess(len(self.assert_fails(self.run_program("x"), REFUSED)), 2000)

    def test_a_wrong_clock_is_told(self) -> None:
        body = {"error": "invalid_grant", "error_description": "Token must be a short-lived token"}
        for seconds, words in ((7200, "s behind the server's"), (-7200, "s ahead of the server's")):
            date = formatdate(time.time() + seconds, usegmt=True)
            server = self.serve(lambda _, date=date: answer(400, body, Date=date))
            self.configure(server.url)
            self.assert_fails(self.run_program("x"), REFUSED, words)

    def test_not_oauth(self) -> None:
        cases = [
            (200, "<!DOCTYPE html><title>Log in</title>", "HTML"),
            (403, "<html>Blocked by the proxy</html>", "HTML"),
            (200, "", "nothing"),
            (404, "", "404"),
            (200, '{"access_token": "access-1", "token_ty', "broken"),
            (200, '{"access_token": "access-1"} {}', "broken"),
            (200, b'{"access_token": "\xff\xfe"}', "broken"),
            (200, "[]", "something else"),
            (200, '"access-1"', "something else"),
            (200, "access_token=access-1&token_type=bearer", "something else"),
            (200, "[" * 100_000, "something else"),
            (400, {}, 'without "error"'),
            (400, {"error": {"code": 400, "message": "the-secret"}}, 'without "error"'),
        ]
        server = self.serve(lambda _: answer(status, body, "text/html"))
        self.configure(server.url)
        for status, body, words in cases:
            self.assert_fails(self.run_program("x"), NETWORK, words, f"answers {status}")


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


class Signatures(Case):
    """What is signed is checked by somebody else: the openssl command."""

    def setUp(self) -> None:
        super().setUp()
        self.key = self.folder / "rsa.key"
        self.certificate = self.folder / "rsa.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=client", "-days", "1"]
            + ["-keyout", self.key, "-out", self.certificate],
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )
        self.key.chmod(0o600)

    def verify(self, statement: str, *options: str) -> tuple[dict, dict]:
        signed, _, signature = statement.rpartition(".")
        public = self.folder / "public.pem"
        file = self.folder / "signature"
        run = {"check": True, "capture_output": True, "timeout": SECONDS}
        subprocess.run(["openssl", "x509", "-in", self.certificate, "-pubkey", "-noout", "-out", public], **run)
        file.write_bytes(decode(signature))
        verify = ["openssl", "dgst", "-sha256", *options, "-verify", public, "-signature", file]
        subprocess.run(verify, input=signed.encode(), **run)
        head, claims = (json.loads(decode(part)) for part in signed.split("."))
        return head, claims

    def test_a_clients_key(self) -> None:
        server = self.serve(lambda _: token())
        pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        for lines, algorithm, options in (
            ([f'certificate = "{self.certificate}"'], "PS256", pss),
            ([f'certificate = "{self.certificate}"', 'algorithm = "RS256"'], "RS256", []),
            (['key-id = "k1"'], "RS256", []),
        ):
            self.configure(server.url, f'key = {{ file = "{self.key}" }}', *lines)
            self.assert_token(self.run_program("x"))
            form = server.questions[-1].form
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            self.assertEqual((form["client_assertion_type"], form["client_id"]), (kind, "client"))
            head, claims = self.verify(form["client_assertion"], *options)
            self.assertEqual((head["alg"], head["typ"]), (algorithm, "JWT"))
            self.assertEqual((claims["iss"], claims["sub"], claims["aud"]), ("client", "client", f"{server.url}/token"))
            self.assertLess(abs(claims["iat"] - time.time()), SECONDS)
            if "key-id" in lines[0]:
                self.assertEqual(head["kid"], "k1")
            else:
                digest, name = ("-sha256", "x5t#S256") if algorithm == "PS256" else ("-sha1", "x5t")
                printed = subprocess.check_output(
                    ["openssl", "x509", "-in", self.certificate, "-noout", "-fingerprint", digest], timeout=SECONDS
                )
                wanted = bytes.fromhex(printed.decode().strip().partition("=")[2].replace(":", ""))
                self.assertEqual(decode(head[name]), wanted)

    def test_each_try_has_a_statement_of_its_own(self) -> None:
        replies = [answer(503, ""), token()]
        server = self.serve(lambda _: replies.pop(0))
        self.configure(server.url, f'key = {{ file = "{self.key}" }}', top='timeout = "20s"')
        self.assert_token(self.run_program("x"))
        first, second = (self.verify(question.form["client_assertion"])[1]["jti"] for question in server.questions)
        self.assertNotEqual(first, second)

    def test_a_service_account(self) -> None:
        account = self.folder / "account.json"
        account.touch(mode=0o600)
        account.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "client_email": "mailer@project.example",
                    "private_key_id": "abc",
                    "private_key": self.key.read_text(),
                    "token_uri": "https://elsewhere.invalid/",
                }
            )
        )
        server = self.serve(lambda _: token())
        self.write_config(
            f"""version = 1
[x]
provider = "google"
grant = "jwt-bearer"
token-endpoint = "{server.url}/token"
service-account = {{ file = "{account}" }}
subject = "alerts@example.org"
ca-file = "{self.certificates.ca}"
"""
        )
        self.assert_token(self.run_program("x"))
        form = server.questions[0].form
        self.assertEqual(form["grant_type"], "urn:ietf:params:oauth:grant-type:jwt-bearer")
        self.assertNotIn("client_id", form)
        head, claims = self.verify(form["assertion"])
        self.assertEqual((head["alg"], head["kid"]), ("RS256", "abc"))
        self.assertEqual((claims["iss"], claims["sub"]), ("mailer@project.example", "alerts@example.org"))
        self.assertEqual((claims["aud"], claims["scope"]), (f"{server.url}/token", "https://mail.google.com/"))
        self.assertEqual(claims["exp"] - claims["iat"], 3600)

    def test_a_key_that_is_none(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url, f'key = {{ file = "{self.key}" }}', f'certificate = "{self.certificates.ca}"')
        self.assert_fails(self.run_program("x"), CONFIGURATION, "not that of the key")
        self.key.chmod(0o644)
        self.assert_fails(self.run_program("x"), CONFIGURATION, "rsa.key", "0644")
        self.assertEqual(server.connections, 0)


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Configuration(Case):
    def test_secrets_come_from_files_and_credentials(self) -> None:
        server = self.serve(lambda _: token())
        (self.folder / "secret").write_text("from-a-file\r\n")
        (self.folder / "secret").chmod(0o600)
        self.configure(server.url, 'key-id = "no"')
        for source in (f'{{ file = "{self.folder}/secret" }}', '{ credential = "secret" }'):
            self.configure(server.url)
            self.write_config(self.config.read_text().replace('"the-secret"', source))
            self.assert_token(self.run_program("x", CREDENTIALS_DIRECTORY=str(self.folder)))
            self.assertEqual(server.questions[-1].form["client_secret"], "from-a-file")
        self.assert_fails(self.run_program("x"), CONFIGURATION, "CREDENTIALS_DIRECTORY is not set")

    def test_the_file_itself_may_be_a_credential(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url)
        command = [self.command("x")[0], "x"]
        environment = {**ENVIRONMENT, "CREDENTIALS_DIRECTORY": str(self.folder)}
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, env=environment)
        self.assert_token(done)

    def test_others_must_not_read_it(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url)
        self.config.chmod(0o644)
        self.assert_fails(self.run_program("x"), CONFIGURATION, "token.toml", "0644")
        self.config.chmod(0o640)
        self.assert_token(self.run_program("x"))
        self.folder.chmod(0o777)
        self.assert_fails(self.run_program("x"), CONFIGURATION, "others may write to it")

    def test_check(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url)
        done = self.run_program("check")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.configure(server.url, 'client-secrte = "a"')
        self.assert_fails(self.run_program("check"), CONFIGURATION, 'token.toml:10:1: unknown key "client-secrte"')
        self.assert_fails(self.run_program("other"), CONFIGURATION)
        self.assertEqual(server.connections, 0)


if __name__ == "__main__":
    main()
