# SPDX-License-Identifier: LGPL-2.1-or-later
"""Keys and certificates for the time of a test, made with the openssl command."""

import shutil
import subprocess
from pathlib import Path

from servers import find

HOST = "localhost"
OTHER_HOST = "other.example"

CA_CNF = """\
[req]
distinguished_name = name
[name]
[ca]
default_ca = authority
[authority]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
[any]
commonName = supplied
"""

PAST = ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]
FUTURE = ["-startdate", "20480101000000Z", "-enddate", "20480201000000Z"]
PRESENT = ["-startdate", "20200101000000Z", "-enddate", "20480101000000Z"]


class Certificates:
    """Files in a folder: ca.pem, and NAME.pem with certificate and key."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.config = folder / "ca.cnf"
        self.config.write_text(CA_CNF.format(folder=folder))
        (folder / "index").touch()
        self.ca = folder / "ca.pem"
        self.self_made(self.ca, folder / "ca.key", "Test CA", ["basicConstraints=critical,CA:TRUE"])

        host = f"DNS:{HOST},IP:127.0.0.1"
        self.good = self.signed("good", HOST, host, PRESENT)
        self.expired = self.signed("expired", HOST, host, PAST)
        self.not_yet_valid = self.signed("not-yet-valid", HOST, host, FUTURE)
        self.wrong_name = self.signed("wrong-name", OTHER_HOST, f"DNS:{OTHER_HOST}", PRESENT)
        self.self_signed = folder / "self-signed.pem"
        key = folder / "self-signed.key"
        self.self_made(self.self_signed, key, HOST, [f"subjectAltName={host}"])
        with_key(self.self_signed, key)

    def trusted_by(self, home: Path) -> dict[str, str]:
        """The environment of a program that trusts the authority."""
        folder = home / "libesmtp"
        folder.mkdir()
        shutil.copyfile(self.ca, folder / "ca.pem")
        (folder / "ca.pem").chmod(0o644)
        return {"XDG_CONFIG_HOME": str(home), "HOME": str(home)}

    def client(self, user: str) -> Path:
        return self.signed("client", user, None, PRESENT)

    def signed(self, file: str, name: str, alternatives: str | None, dates: list[str]) -> Path:
        key, request = self.folder / f"{file}.key", self.folder / f"{file}.csr"
        certificate = self.folder / f"{file}.pem"
        extensions = [f"subjectAltName={alternatives}"] if alternatives else []
        self.openssl("req", "-new", *self.subject(key, request, name, extensions))
        self.openssl("ca", "-batch", "-notext", *dates, "-in", request, "-out", certificate)
        with_key(certificate, key)
        return certificate

    def self_made(self, certificate: Path, key: Path, name: str, extensions: list[str]) -> None:
        self.openssl("req", "-x509", *self.subject(key, certificate, name, extensions))

    def subject(self, key: Path, out: Path, name: str, extensions: list[str]) -> list:
        added = [word for extension in extensions for word in ("-addext", extension)]
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key]
        return [*new_key, "-subj", f"/CN={name}", "-out", out, *added]

    def openssl(self, command: str, *arguments) -> None:
        line = [find("openssl"), command, "-config", self.config, *arguments]
        done = subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {command}: {done.stderr.decode()}")


def with_key(certificate: Path, key: Path) -> None:
    """One file with both, as the client's configuration folder takes it. Postfix wants the key in
    front."""
    certificate.write_bytes(key.read_bytes() + certificate.read_bytes())
    certificate.chmod(0o600)
