#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""esmtp-token and servers that answer well, badly, slowly, or not at all.

tests/token/answers.py [--program FILE]    FILE: target/debug/esmtp-token by default"""

import base64
import json
import os
import resource
import shutil
import subprocess
import time
import unittest
from email.utils import formatdate

import harness
from answers_transport import Proxies, Transport  # noqa: F401
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
