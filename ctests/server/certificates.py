# SPDX-License-Identifier: LGPL-2.1-or-later
"""Certificates for tests, made anew for each run with the `openssl` command.

One key for each side is enough: the tests are about what a certificate says.
"""

import functools
import pathlib
import shutil
import subprocess
import threading

CONFIGURATION = """\
[req]
distinguished_name = subject
prompt = no
string_mask = utf8only
[subject]
CN = unused
[ca]
default_ca = signing
[signing]
database = {directory}/index.txt
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = anything
unique_subject = no
copy_extensions = copy
[anything]
commonName = optional
organizationName = optional
"""


def dns_name(text):
    """A dNSName that has no other spelling, as DER: [2] length text, in a SEQUENCE."""
    entry = bytes([0x82, len(text)]) + text
    return "DER:" + ":".join(f"{byte:02x}" for byte in bytes([0x30, len(entry)]) + entry)


PAST = ("20000101000000Z", "20010101000000Z")
FUTURE = ("20480101000000Z", "20490101000000Z")
NOW = ("20200101000000Z", "20480101000000Z")

# name: subject, subjectAltName, validity. The client asks for `localhost` or for an address.
SIGNED = {
    "good": ("/CN=localhost", "DNS:localhost", NOW),
    "expired": ("/CN=localhost", "DNS:localhost", PAST),
    "future": ("/CN=localhost", "DNS:localhost", FUTURE),
    "expired-other": ("/CN=other.example", "DNS:other.example", PAST),
    "other": ("/CN=other.example", "DNS:other.example", NOW),
    "cn-only": ("/CN=localhost", None, NOW),
    "cn-other": ("/CN=other.example", None, NOW),
    "cn-beside-other": ("/CN=localhost", "DNS:other.example", NOW),
    "cn-beside-address": ("/CN=localhost", "IP:127.0.0.2", NOW),
    "cn-beside-mail": ("/CN=localhost", "email:admin@localhost", NOW),
    "second-of-two": ("/CN=other.example", "DNS:other.example,DNS:localhost", NOW),
    "first-of-two": ("/CN=other.example", "DNS:localhost,DNS:other.example", NOW),
    "no-cn": ("/O=Nobody", "DNS:localhost", NOW),
    "nameless": ("/O=Nobody", None, NOW),
    "capitals": ("/CN=LOCALHOST", "DNS:LocalHost", NOW),
    "dot-at-end": ("/CN=localhost", "DNS:localhost.", NOW),
    "longer": ("/CN=localhost.example", "DNS:localhost.example", NOW),
    "shorter": ("/CN=local", "DNS:local", NOW),
    "wildcard": ("/CN=*", "DNS:*", NOW),
    "wildcard-cn": ("/CN=*", None, NOW),
    "wildcard-end": ("/CN=local*", "DNS:local*", NOW),
    "wildcard-start": ("/CN=*host", "DNS:*host", NOW),
    "wildcard-middle": ("/CN=lo*st", "DNS:lo*st", NOW),
    "wildcard-label": ("/CN=*.localhost", "DNS:*.localhost", NOW),
    "wildcard-address": ("/CN=*.0.0.1", "DNS:*.0.0.1", NOW),
    "wildcard-cn-address": ("/CN=*.0.0.1", None, NOW),
    "mail": ("/CN=mail.example.org", "DNS:mail.example.org", NOW),
    "wildcard-mail": ("/CN=*.example.org", "DNS:*.example.org", NOW),
    "wildcard-mail-cn": ("/CN=*.example.org", None, NOW),
    "wildcard-part": ("/CN=m*.example.org", "DNS:m*.example.org", NOW),
    "wildcard-second": ("/CN=mail.*.org", "DNS:mail.*.org", NOW),
    "wildcard-twice": ("/CN=*.*.org", "DNS:*.*.org", NOW),
    "wildcard-top": ("/CN=*.org", "DNS:*.org", NOW),
    "wildcard-last": ("/CN=mail.example.*", "DNS:mail.example.*", NOW),
    "parent": ("/CN=example.org", "DNS:example.org", NOW),
    "address": ("/CN=other.example", "IP:127.0.0.1", NOW),
    "other-address": ("/CN=other.example", "IP:127.0.0.2", NOW),
    "address-as-name": ("/CN=127.0.0.1", "DNS:127.0.0.1", NOW),
    "address-as-cn": ("/CN=127.0.0.1", None, NOW),
    "nul-inside": ("/CN=evil.example", dns_name(b"localhost\0.evil.example"), NOW),
    "nul-at-end": ("/CN=evil.example", dns_name(b"localhost\0"), NOW),
    "non-ascii": ("/CN=evil.example", dns_name("b\u00fccher.example".encode()), NOW),
    "empty-name": ("/CN=evil.example", dns_name(b""), NOW),
    "blank-before": ("/CN=evil.example", dns_name(b" localhost"), NOW),
    "client": ("/CN=client identity", None, NOW),
}


class Certificates:
    """A folder with NAME.pem (certificate and key) for each of the names above, and more."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.configuration = self.directory / "openssl.cnf"
        self.lock = threading.Lock()

    def openssl(self, *words):
        subprocess.run(
            ["openssl", *words], cwd=self.directory, check=True, stdin=subprocess.DEVNULL, capture_output=True
        )

    @functools.cached_property
    def ready(self):
        """Makes what every certificate needs; at the first use, as most tests need none."""
        self.configuration.write_text(CONFIGURATION.format(directory=self.directory))
        (self.directory / "index.txt").touch()
        for name in ("ca", "key"):
            self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", f"{name}.key")
        # OpenSSL 3.5 makes version 3 of it, where an authority has to say that it is one.
        self.root("ca", "/CN=Test authority", "ca.key", "-addext", "basicConstraints=critical,CA:TRUE")
        return True

    def root(self, name, subject, key, *more):
        self.openssl(
            "req", "-x509", "-config", "openssl.cnf", "-key", key, "-subj", subject, "-days", "30",
            *more, "-out", f"{name}.pem",
        )  # fmt: skip

    def path(self, name):
        """The file of that name, made if it is not there yet."""
        with self.lock:
            return self.made(name)

    def made(self, name):
        path = self.directory / f"{name}.pem"
        if self.ready and not path.exists():
            self.make(name)
        return path

    def make(self, name):
        if name == "self-signed":
            self.root("bare", "/CN=localhost", "key.key", "-addext", "subjectAltName=DNS:localhost")
            self.join(name, "bare.pem", "key.key")
        elif name in ("client-encrypted", "client-wrong-key"):
            self.unusual_client(name)
        else:
            self.sign(name, *SIGNED[name])

    def sign(self, name, subject, alternative, validity):
        more = ["-addext", f"subjectAltName={alternative}"] if alternative else []
        self.openssl("req", "-new", "-config", "openssl.cnf", "-key", "key.key", "-subj", subject, *more,
                     "-out", f"{name}.csr")  # fmt: skip
        self.openssl("ca", "-batch", "-notext", "-config", "openssl.cnf", "-cert", "ca.pem", "-keyfile", "ca.key",
                     "-startdate", validity[0], "-enddate", validity[1], "-preserveDN",
                     "-in", f"{name}.csr", "-out", f"{name}.crt")  # fmt: skip
        self.join(name, f"{name}.crt", "key.key")

    def unusual_client(self, name):
        """A client's certificate with a key that needs a password (`secret`), or is not its own."""
        self.made("client")
        if name == "client-encrypted":
            self.openssl("pkcs8", "-topk8", "-in", "key.key", "-passout", "pass:secret", "-out", "unusual.key")
        else:
            shutil.copy(self.directory / "ca.key", self.directory / "unusual.key")
        self.join(name, "client.crt", "unusual.key")

    def join(self, name, *parts):
        (self.directory / f"{name}.pem").write_text("".join((self.directory / part).read_text() for part in parts))
