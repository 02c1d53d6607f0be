#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""`esmtp-token authorize` and `import` with servers and people that do all sorts of things.

tests/token/consent.py [--program FILE]    FILE: target/debug/esmtp-token by default"""

import base64
import hashlib
import os
import pty
import re
import socket
import subprocess
import urllib.parse

from harness import CONFIGURATION, ENVIRONMENT, NETWORK, REFUSED, SECONDS, STATE, Case, answer, main, token

BEGUN = {
    "device_code": "device-code",
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://id.example/device",
    "expires_in": 60,
    "interval": 1,
}
PENDING = answer(400, {"error": "authorization_pending"})


class Device(Case):
    def begin(self, begun: object, *replies: bytes):
        """A server that answers the device endpoint with `begun`, and the token endpoint in turn."""
        waiting = list(replies)

        def respond(question):
            if question.path == "/device":
                return begun if isinstance(begun, bytes) else answer(200, begun)
            return waiting.pop(0)

        server = self.serve(respond)
        self.configure(server.url, f'device-endpoint = "{server.url}/device"', 'scope = "mail"', grant="refresh-token")
        return server

    def test_it_waits_as_long_as_it_is_told_to(self) -> None:
        server = self.begin(BEGUN, PENDING, PENDING, token(refresh_token="refresh-1"))
        done = self.run_program("authorize", "x")
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        self.assertIn(b"Open https://id.example/device and enter the code ABCD-EFGH\n", done.stdout)
        self.assertEqual(self.kept(), "refresh-1")
        first, *asked = server.questions
        self.assertEqual(first.form, {"client_id": "client", "scope": "mail"})
        self.assertEqual(len(asked), 3)
        for question in asked:
            self.assertEqual(question.form["device_code"], "device-code")
            self.assertEqual(question.form["grant_type"], "urn:ietf:params:oauth:grant-type:device_code")
        # Nothing that is secret is shown.
        for secret in (b"device-code", b"refresh-1", b"access-1"):
            self.assertNotIn(secret, done.stdout)

    def test_a_server_that_is_away_for_a_moment(self) -> None:
        server = self.begin(BEGUN, b"", answer(200, "<html>"), token(refresh_token="refresh-1"))
        self.assertEqual(self.run_program("authorize", "x").returncode, 0)
        self.assertEqual(len(server.questions), 4)

    def test_refusals(self) -> None:
        for code in ("access_denied", "expired_token", "invalid_client", "something_new"):
            self.begin(BEGUN, PENDING, answer(400, {"error": code}))
            done = self.run_program("authorize", "x")
            self.assertEqual(done.returncode, REFUSED)
            self.assertIn(code.encode(), done.stderr)
            self.assertFalse((self.state / "x.json").exists())

    def test_nobody_agrees_in_time(self) -> None:
        self.begin({**BEGUN, "expires_in": 3}, *[PENDING] * 9)
        done = self.run_program("authorize", "x")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn(b"nobody agreed while the code was valid", done.stderr)

    def test_a_token_without_a_refresh_token(self) -> None:
        self.begin(BEGUN, token())
        done = self.run_program("authorize", "x")
        self.assertEqual(done.returncode, REFUSED)
        self.assertIn(b"no refresh token", done.stderr)

    def test_beginnings_that_make_no_sense(self) -> None:
        for missing in ("device_code", "user_code", "verification_uri"):
            self.begin({**BEGUN, missing: ""})
            self.assert_fails(self.run_program("authorize", "x"), NETWORK, f"without {missing}")
        for begun, code in (
            (answer(200, "<html>"), NETWORK),
            (answer(302, "", Location="https://other.invalid/"), NETWORK),
            (answer(400, {"error": "unauthorized_client"}), REFUSED),
        ):
            self.begin(begun)
            self.assert_fails(self.run_program("authorize", "x"), code, "/device")

    def test_numbers_that_make_no_sense(self) -> None:
        for odd in (-1, 0, "x", None, 0.5):
            self.begin({**BEGUN, "interval": odd, "expires_in": "2"}, *[PENDING] * 9)
            done = self.run_program("authorize", "x")
            self.assertEqual(done.returncode, REFUSED, odd)

    def test_what_is_shown_does_nothing_to_a_terminal(self) -> None:
        evil = "https://id.example/\x1b]0;x\x07\r\nOpen http://evil.example"
        self.begin({**BEGUN, "verification_uri": evil, "user_code": "A\x1b[2J\u202eB", "expires_in": 1})
        done = self.run_program("authorize", "x")
        self.assertEqual(done.stdout.count(b"\n"), 1)
        self.assertNotRegex(done.stdout, rb"[\x00-\x09\x0b-\x1f\x7f]")

    def test_a_terminal_sees_how_much_time_is_left(self) -> None:
        self.begin(BEGUN, PENDING, token(refresh_token="refresh-1"))
        mine, its = pty.openpty()
        with subprocess.Popen(
            self.command("authorize", "x"), stdin=its, stdout=its, stderr=its, env=ENVIRONMENT
        ) as run:
            os.close(its)
            shown = b""
            try:
                while piece := os.read(mine, 4096):
                    shown += piece
            except OSError:
                pass  # The other end is closed.
            os.close(mine)
            self.assertEqual(run.wait(SECONDS), 0)
        self.assertRegex(shown, rb"\rwaiting, \d:\d\d left \rwaiting, 0:\d\d left ")
        self.assertTrue(shown.endswith(b"\r\nx: the refresh token is kept\r\n"), shown)

    def test_a_state_folder_that_cannot_be_used_is_found_out_first(self) -> None:
        server = self.begin(BEGUN)
        self.state.chmod(0o777)
        self.assert_fails(self.run_program("authorize", "x"), STATE, "others may write to it")
        self.assertEqual(server.connections, 0)

    def test_grants_that_need_nobody(self) -> None:
        server = self.begin(BEGUN)
        self.configure(server.url)
        self.assert_fails(self.run_program("authorize", "x"), CONFIGURATION, "consent")
        self.assert_fails(self.run_program("import", "x", input=b"refresh-1"), CONFIGURATION, "consent")
        self.configure(server.url, grant="refresh-token")
        self.assert_fails(self.run_program("authorize", "x"), CONFIGURATION, "import")
        self.assertEqual(server.connections, 0)


class Browser(Case):
    def start(self, respond):
        server = self.serve(respond)
        lines = [f'authorization-endpoint = "{server.url}/auth?v=2"', 'scope = "a b"', 'parameters = { hint = "ü" }']
        self.configure(server.url, *lines, grant="refresh-token")
        run = self.enterContext(
            subprocess.Popen(
                self.command("authorize", "x"),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=ENVIRONMENT,
            )
        )
        self.addCleanup(run.kill)
        shown = b""
        while not (address := re.search(rb"^(https://\S+)\n", shown, re.MULTILINE)):
            line = run.stdout.readline()
            self.assertTrue(line)
            shown += line
        self.assertTrue(address[1].startswith(f"{server.url}/auth?v=2&".encode()), address)
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address[1].decode()).query))
        return server, run, query

    @staticmethod
    def visit(query: dict, target: str) -> bytes:
        """What a browser gets that is sent back."""
        port = urllib.parse.urlsplit(query["redirect_uri"]).port
        with socket.create_connection(("127.0.0.1", port), SECONDS) as browser:
            browser.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            reply = b""
            try:
                while piece := browser.recv(4096):
                    reply += piece
            except ConnectionResetError:
                pass
            return reply

    def finish(self, run) -> tuple[int, bytes, bytes]:
        output, errors = run.communicate(timeout=SECONDS)
        return run.returncode, output, errors

    def test_the_browser_comes_back(self) -> None:
        server, run, query = self.start(lambda _: token(refresh_token="refresh-1"))
        self.assertEqual((query["scope"], query["hint"], query["response_type"]), ("a b", "ü", "code"))
        # What belongs to somebody else changes nothing.
        for other in ("/favicon.ico", "/?code=evil", f"/?code=evil&state={query['state']}x", "/", "/?" + "x" * 20_000):
            self.assertNotIn(b"200 OK", self.visit(query, other))
        reply = self.visit(query, f"/?code=c%2F1&state={query['state']}")
        self.assertIn(b"200 OK", reply)
        self.assertEqual(self.finish(run)[0], 0)
        self.assertEqual(self.kept(), "refresh-1")
        (question,) = server.questions
        self.assertEqual((question.form["code"], question.form["grant_type"]), ("c/1", "authorization_code"))
        self.assertEqual(question.form["redirect_uri"], query["redirect_uri"])
        # RFC 7636.
        digest = hashlib.sha256(question.form["code_verifier"].encode()).digest()
        self.assertEqual(base64.urlsafe_b64encode(digest).rstrip(b"=").decode(), query["code_challenge"])
        self.assertGreaterEqual(len(question.form["code_verifier"]), 43)

    def test_a_connection_that_says_nothing_does_not_hold_it_up(self) -> None:
        _, run, query = self.start(lambda _: token(refresh_token="refresh-1"))
        port = urllib.parse.urlsplit(query["redirect_uri"]).port
        with socket.create_connection(("127.0.0.1", port), SECONDS):
            self.visit(query, f"/?code=c&state={query['state']}")
            self.assertEqual(self.finish(run)[0], 0)

    def test_a_pasted_address(self) -> None:
        server, run, query = self.start(lambda _: token(refresh_token="refresh-1"))
        run.stdin.write(b"nonsense\n\n")
        run.stdin.write(f"{query['redirect_uri']}/?state={query['state']}&code=pasted\n".encode())
        run.stdin.flush()
        status, output, _ = self.finish(run)
        self.assertEqual(status, 0)
        self.assertEqual(output.count(b"That is not the address of the last page."), 1)
        self.assertEqual(server.questions[0].form["code"], "pasted")

    def test_a_standard_input_that_ends(self) -> None:
        _, run, query = self.start(lambda _: token(refresh_token="refresh-1"))
        run.stdin.close()
        run.stdin = None
        self.visit(query, f"/?code=c&state={query['state']}")
        self.assertEqual(self.finish(run)[0], 0)

    def test_somebody_refuses(self) -> None:
        server, run, query = self.start(lambda _: token())
        self.visit(query, f"/?error=access_denied&error_description=No%0D%0Away&state={query['state']}")
        status, _, errors = self.finish(run)
        self.assertEqual((status, errors), (REFUSED, b"esmtp-token: x: access_denied: No way\n"))
        self.assertEqual(server.connections, 0)

    def test_a_code_that_the_server_does_not_take(self) -> None:
        body = {"error": "invalid_grant", "error_description": "code c-1 with verifier"}
        _, run, query = self.start(lambda _: answer(400, body))
        self.visit(query, f"/?code=c-1&state={query['state']}")
        status, _, errors = self.finish(run)
        self.assertEqual(status, REFUSED)
        self.assertIn(b"invalid_grant: code *** with verifier", errors)
        self.assertFalse((self.state / "x.json").exists())


class Import(Case):
    def test_what_is_no_refresh_token(self) -> None:
        server = self.serve(lambda _: token())
        self.configure(server.url, grant="refresh-token")
        for bad in (b"", b"\n", b"two words", b"two\nlines", b"a\0b", "ü".encode(), b"\xff", b"x" * 70_000 + b" "):
            done = self.run_program("import", "x", input=bad)
            self.assertEqual(done.returncode, 2, bad[:20])
            self.assertFalse((self.state / "x.json").exists())
        self.keep(" refresh-1\r\n", server.url)
        self.assertEqual(self.kept(), "refresh-1")


if __name__ == "__main__":
    main()
