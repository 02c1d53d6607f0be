# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exim with TLS and accounts, a process for each connection: the test listens, as inetd would."""

import shutil
import socket
import subprocess
from pathlib import Path

from accounts import PASSWORD, USER
from listening import Inetd, loopback
from more_servers import PACKAGES, unpacked
from servers import TLS_PORT, Server, take

PROGRAM = "/usr/sbin/exim4"

CONFIGURATION = """\
primary_hostname = mail.example
spool_directory = {folder}/spool
log_file_path = {folder}/logs/%slog
pid_file_path = {folder}/pid
keep_environment =
# Nothing goes on behind the connection; mail() delivers.
queue_only
rfc1413_query_timeout = 0s
tls_advertise_hosts = *
tls_certificate = {folder}/server.pem
tls_privatekey = {folder}/server.pem
tls_try_verify_hosts = *
tls_verify_certificates = {folder}/ca.pem
auth_advertise_hosts = *
received_header_text = Received: ($received_protocol, Authenticated sender: $authenticated_id)
acl_smtp_rcpt = rcpt

begin acl
rcpt:
  accept authenticated = *
         domains = example.org
  deny   message = authenticate first

begin routers
all:
  driver = accept
  transport = inbox

begin transports
inbox:
  driver = appendfile
  directory = {folder}/inbox
  maildir_format
  user = nobody
  group = nogroup

begin authenticators
"""

AUTHENTICATORS = {
    "PLAIN": f"""\
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
""",
    "LOGIN": f"""\
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{USER}}}}}{{eq{{$auth2}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth1
""",
    "CRAM-MD5": f"""\
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{USER}}}{{{PASSWORD}}}fail}}
  server_set_id = $auth1
""",
    "NTLM": f"""\
ntlm:
  driver = spa
  public_name = NTLM
  server_password = ${{if eq{{$auth1}}{{{USER}}}{{{PASSWORD}}}fail}}
  server_set_id = $auth1
""",
    # The certificate's name is compared with the identity that the client asks for.
    "EXTERNAL": """\
external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_param2 = ${certextract{subject,CN}{$tls_in_peercert}}
  server_condition = ${if eq{$auth2}{$auth1}}
  server_set_id = $auth1
""",
}


def is_unpacked() -> bool:
    return (PACKAGES / PROGRAM.lstrip("/")).exists()


class EximWithAccounts(Server):
    """Takes mail for example.org from who has authenticated, into one maildir. Needs root.
    With own_network (see network.py) it also listens on TLS_PORT."""

    def __init__(self, certificate: Path, ca: Path, own_network: bool = False):
        self.certificate = certificate
        self.ca = ca
        self.own_network = own_network

    def start(self) -> None:
        # It gives up root for a user that is there only where it runs. Without a log it breaks a
        # session off.
        for name in ("spool", "logs", "inbox"):
            self.folder_of(name).chmod(0o777)
        self.inbox = self.folder / "inbox"
        shutil.copy(self.ca, self.folder / "ca.pem")
        self.configuration = self.folder / "exim.conf"
        self.offer(*AUTHENTICATORS)
        server = self.folder / "server.pem"
        shutil.copy(self.certificate, server)
        server.chmod(0o644)
        self.port = self.services.enter_context(Inetd(self.command("-bs"))).port
        if self.own_network:
            self.services.enter_context(Inetd(self.command("-bs", "-tls-on-connect"), loopback(TLS_PORT)))

    def offer(self, *mechanisms: str) -> None:
        text = CONFIGURATION.format(folder=self.folder)
        self.configuration.write_text(text + "\n".join(AUTHENTICATORS[name] for name in mechanisms))

    def command(self, *options: str) -> list[str]:
        return unpacked(PROGRAM, "-C", str(self.configuration), *options)

    def greeting(self) -> str:
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            return connection.makefile().readline()

    def log(self) -> str:
        logs = sorted(self.folder.glob("logs/*"))
        return "".join(log.read_text() for log in logs)

    def mail(self) -> bytes:
        """Delivers what is queued; the mail, under headers of Exim, is taken out of the mailbox."""
        done = subprocess.run(self.command("-qf"), stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
        mail = take(self.inbox)
        if mail is None:
            raise RuntimeError(f"nothing delivered: {done.stderr.decode()}\n{self.log()}")
        return mail
