#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""esmtp-token and a real OAuth server: npm's oidc-provider, which changes refresh tokens with each use
and takes back everything when an old one comes again. A small browser agrees in its pages.

    tests/token/oidc.py [--program FILE]    FILE: target/debug/esmtp-token by default"""

import base64
import html.parser
import http.cookiejar
import json
import re
import shutil
import ssl
import subprocess
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

from harness import ENVIRONMENT, REFUSED, ROOT, SECONDS, STATE, Case, main

PACKAGE = "oidc-provider@8.8.1"
FOLDER = ROOT / "build-test-oidc"
INSTALL_SECONDS = 180


def installed() -> Path:
    """The folder with the server. Skips where npm is not there."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise unittest.SkipTest("npm is not installed: no oidc-provider")
    if not (FOLDER / "node_modules/oidc-provider").exists():
        FOLDER.mkdir(exist_ok=True)
        install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER, PACKAGE]
        subprocess.run(install, check=True, timeout=INSTALL_SECONDS, stdin=subprocess.DEVNULL)
    return FOLDER


class Oidc:
    """The server, as long as the context lasts."""

    def __init__(self, certificate: Path, public_key: Path):
        self.arguments = [certificate, public_key]

    def __enter__(self):
        self.process = subprocess.Popen(
            ["node", Path(__file__).with_name("oidc.mjs"), *self.arguments],
            env={**ENVIRONMENT, "OIDC_FOLDER": str(installed()), "NODE_ENV": "test"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("oidc-provider does not start")
        self.url = f"https://localhost:{int(line)}"
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait(SECONDS)
        self.process.stdout.close()


class Forms(html.parser.HTMLParser):
    """The first form of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(page)

    def handle_starttag(self, tag: str, attributes) -> None:
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = attributes.get("action")
        elif tag == "input" and attributes.get("name"):
            self.fields[attributes["name"]] = attributes.get("value") or ""


class Browser:
    """Opens a page and agrees to what is asked, until there is nothing to agree to."""

    def __init__(self, ca: Path):
        context = ssl.create_default_context(cafile=ca)
        self.opener = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=context),
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            urllib.request.ProxyHandler({}),
        )

    def agree(self, address: str, user: str) -> str:
        """The text of the last page."""
        page, address = self.open(address)
        for _ in range(8):
            form = Forms(page)
            if form.action is None:
                return page
            form.fields.pop("abort", None)
            for name, value in (("login", user), ("password", "x")):
                if name in form.fields:
                    form.fields[name] = value
            fields = urllib.parse.urlencode(form.fields).encode()
            page, address = self.open(urllib.parse.urljoin(address, form.action), fields)
        raise AssertionError(f"too many forms, the last one: {page}")

    def open(self, address: str, fields: bytes | None = None) -> tuple[str, str]:
        with self.opener.open(address, fields, timeout=SECONDS) as reply:
            return reply.read().decode(), reply.url


class OidcCase(Case):
    """With the server, for all tests of a class."""

    missing: unittest.SkipTest | None = None

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        try:
            cls.set_up_servers()
        except unittest.SkipTest as missing:
            # Raised here it would not count as a test that was skipped.
            cls.missing = missing

    def setUp(self) -> None:
        if self.missing is not None:
            raise self.missing
        super().setUp()

    @classmethod
    def set_up_servers(cls) -> None:
        installed()
        cls.key = cls.certificates.folder / "rsa.key"
        public = cls.certificates.folder / "rsa.pub"
        run = {"check": True, "capture_output": True, "timeout": SECONDS}
        subprocess.run(["openssl", "genrsa", "-out", cls.key, "2048"], **run)
        subprocess.run(["openssl", "rsa", "-in", cls.key, "-pubout", "-out", public], **run)
        cls.key.chmod(0o600)
        cls.server = cls.enterClassContext(Oidc(cls.certificates.good, public))

    def configure_oidc(self, client: str, grant: str, *lines: str) -> None:
        self.write_config(
            f"""version = 1
timeout = "30s"
state = "{self.state}"
[x]
grant = "{grant}"
token-endpoint = "{self.server.url}/token"
client-id = "{client}"
ca-file = "{self.certificates.ca}"
scope = "mail"
"""
            + "\n".join(lines)
            + "\n"
        )

    def introspect(self, token: str) -> dict:
        """What the server says of a token, to who may ask."""
        context = ssl.create_default_context(cafile=self.certificates.ca)
        request = urllib.request.Request(
            f"{self.server.url}/token/introspection",
            urllib.parse.urlencode({"token": token}).encode(),
            {"Authorization": "Basic " + base64.b64encode(b"dovecot:the-secret").decode()},
        )
        with urllib.request.urlopen(request, timeout=SECONDS, context=context) as reply:
            return json.load(reply)

    def got(self, done) -> dict:
        """The printed token is one that the server knows, and its expiry is the server's."""
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        token, expires, end = done.stdout.decode().split("\n")
        self.assertEqual(end, "")
        facts = self.introspect(token)
        self.assertTrue(facts["active"], facts)
        self.assertLessEqual(abs(int(expires.removeprefix("expires=")) - facts["exp"]), SECONDS)
        return facts

    def authorize(self, user: str) -> str:
        """Runs `authorize` and agrees to what it asks for. What it printed."""
        command = self.command("authorize", "x")
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True
        ) as run:
            try:
                printed = ""
                while not (address := re.search(r"https://\S+", printed)):
                    line = run.stdout.readline()
                    self.assertTrue(line, run.stderr.read() if not line else "")
                    printed += line
                address = address[0]
                if code := re.search(r"enter the code (\S+)", printed):
                    address += f"?user_code={code[1]}"
                Browser(self.certificates.ca).agree(address, user)
                rest, errors = run.communicate(timeout=SECONDS)
            finally:
                run.kill()
        self.assertEqual((run.returncode, errors), (0, ""), rest)
        return printed + rest


class Grants(OidcCase):
    def test_client_credentials(self) -> None:
        for client, way in (("post", "post"), ("basic", "basic")):
            self.configure_oidc(client, "client-credentials", 'client-secret = "the-secret"', f'client-auth = "{way}"')
            self.assertEqual(self.got(self.run_program("x"))["client_id"], client)

    def test_a_wrong_secret(self) -> None:
        self.configure_oidc("post", "client-credentials", 'client-secret = "wrong"')
        self.assert_fails(self.run_program("x"), REFUSED, "answers 401 invalid_client")

    def test_a_clients_key(self) -> None:
        for lines in ((), ('algorithm = "PS256"',)):
            self.configure_oidc(
                "signs", "client-credentials", f'key = {{ file = "{self.key}" }}', 'key-id = "k1"', *lines
            )
            # RS256 is what it registered for; the server says so for the other.
            done = self.run_program("x")
            self.assertEqual(self.got(done)["client_id"], "signs")

    def test_a_device_and_what_comes_after(self) -> None:
        self.configure_oidc("device", "refresh-token", f'device-endpoint = "{self.server.url}/device/auth"')
        self.assert_fails(self.run_program("x"), STATE, 'no refresh token is kept: run "esmtp-token authorize x"')
        self.authorize("alice")
        tokens = [self.kept()]
        for _ in range(3):
            self.assertEqual(self.got(self.run_program("x"))["sub"], "alice")
            tokens.append(self.kept())
        self.assertEqual(len(set(tokens)), 4)

        # An old one comes again: the server takes all back.
        state = self.state / "x.json"
        state.write_text(state.read_text().replace(tokens[-1], tokens[0]))
        self.assert_fails(self.run_program("x"), REFUSED, "invalid_grant", 'run "esmtp-token authorize x" again')
        self.assertEqual(self.kept(), tokens[0])
        state.write_text(state.read_text().replace(tokens[0], tokens[-1]))
        self.assert_fails(self.run_program("x"), REFUSED, "invalid_grant")
        # And somebody agrees again.
        self.authorize("alice")
        self.got(self.run_program("x"))

    def test_many_at_once_do_not_lose_the_token(self) -> None:
        self.configure_oidc("device", "refresh-token", f'device-endpoint = "{self.server.url}/device/auth"')
        self.authorize("bob")
        runs = [
            subprocess.Popen(self.command("x"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT)
            for _ in range(6)
        ]
        for run in runs:
            output, errors = run.communicate(timeout=SECONDS)
            self.assertEqual((run.returncode, errors), (0, b""))
            self.assertTrue(self.introspect(output.decode().split("\n")[0])["active"])
        self.got(self.run_program("x"))

    def test_a_browser(self) -> None:
        self.configure_oidc("browser", "refresh-token", f'authorization-endpoint = "{self.server.url}/auth"')
        self.authorize("carol")
        self.assertEqual(self.got(self.run_program("x"))["sub"], "carol")

    def test_somebody_does_not_agree(self) -> None:
        self.configure_oidc("device", "refresh-token", f'device-endpoint = "{self.server.url}/device/auth"')
        with subprocess.Popen(
            self.command("authorize", "x"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True
        ) as run:
            try:
                line = run.stdout.readline()
                address, code = re.search(r"(https://\S+) and enter the code (\S+)", line).groups()
                browser = Browser(self.certificates.ca)
                page, url = browser.open(f"{address}?user_code={code}")
                form = Forms(page)
                fields = urllib.parse.urlencode({**form.fields, "abort": "yes"}).encode()
                browser.open(urllib.parse.urljoin(url, form.action), fields)
                _, errors = run.communicate(timeout=SECONDS)
            finally:
                run.kill()
        self.assertEqual(run.returncode, REFUSED, errors)
        self.assertIn("access_denied", errors)
        self.assertFalse((self.state / "x.json").exists())


if __name__ == "__main__":
    main()
