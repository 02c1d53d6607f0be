# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who checks passwords for Postfix: Dovecot or Cyrus SASL, each with one account."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import time
import unittest

import dovecot
from servers import PATH, Server, find, wait_for

USER = "alice"
PASSWORD = "correct horse, battery=staple"
REALM = "mail.example"


class CyrusSasl(Server):
    """A library in Postfix's process, and a database of passwords."""

    mechanisms = "PLAIN LOGIN CRAM-MD5 NTLM SCRAM-SHA-1 SCRAM-SHA-256"

    def start(self) -> None:
        self.config = self.folder / "smtpd.conf"
        database = self.folder / "sasldb2"
        create = [find("saslpasswd2"), "-p", "-c", "-u", REALM, "-f", database, USER]
        subprocess.run(create, input=PASSWORD.encode(), check=True, timeout=30)
        shutil.chown(database, "postfix")
        self.config.write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {database}\nmech_list: {self.mechanisms}\n"
        )

    def stop(self) -> None:
        pass

    def settings(self) -> dict[str, object]:
        return {
            "smtpd_sasl_type": "cyrus",
            "smtpd_sasl_path": "smtpd",
            "smtpd_sasl_local_domain": REALM,
        }


DOVECOT_SETTINGS = """\
protocols =
auth_failure_delay = 0
service auth {{
  unix_listener {folder}/auth {{
    mode = 0600
    user = postfix
  }}
}}
"""

TOKEN_KEY = b"a key that the token's issuer and Dovecot share"


class Dovecot(Server):
    """A process that Postfix asks over a socket. It checks tokens too, by their signature."""

    config = None
    mechanisms = ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256")
    tokens = dovecot.Tokens()

    def start(self) -> None:
        if reason := dovecot.refuse():
            raise unittest.SkipTest(reason)
        key = self.folder / "keys/default/HS256/default"
        key.parent.mkdir(parents=True)
        key.write_bytes(base64.b64encode(TOKEN_KEY))
        settings = DOVECOT_SETTINGS.format(folder=self.folder)
        accounts = {USER: PASSWORD}
        configuration = dovecot.configure(self.folder, settings, accounts, self.mechanisms, tokens=self.tokens)
        self.run([find("dovecot"), "-F", "-c", configuration], env={"PATH": PATH})
        try:
            wait_for("Dovecot listens", lambda: (self.folder / "auth").is_socket())
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log()}") from None

    def settings(self) -> dict[str, object]:
        return {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": self.folder / "auth"}


def token(user: str = USER, key: bytes = TOKEN_KEY) -> str:
    """A JSON web token (RFC 7519) for an hour."""

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    now = int(time.time())
    head = {"alg": "HS256", "typ": "JWT"}
    claims = {"sub": user, "iat": now, "nbf": now, "exp": now + 3600}
    signed = ".".join(part(json.dumps(value).encode()) for value in (head, claims))
    return signed + "." + part(hmac.digest(key, signed.encode(), hashlib.sha256))
