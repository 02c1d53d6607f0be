# SPDX-License-Identifier: LGPL-2.1-or-later
"""More mail servers for the time of a test, from other families than Postfix: aiosmtpd, and Exim and
OpenSMTPD from Debian's packages. Those cannot be installed beside Postfix; fetch_packages.sh unpacks
them, and they run in a mount namespace of their own.

Each takes mail for example.org and refuses to relay, as Postfix does in servers.py."""

import functools
import os
import subprocess
import sys
from pathlib import Path

from listening import Inetd, free_port
from servers import PATH, Postfix, Server, wait_for

HERE = Path(__file__).resolve().parent
# Where fetch_packages.sh puts what it unpacks.
PACKAGES = HERE.parents[1] / "build-test-servers"
DELIVERY_SECONDS = 60


def taken(server: "Postfix | Maildir", count: int, seconds: float) -> list[bytes]:
    """The mails that came, as soon as there are so many; they are taken out of the maildir."""

    def delivered():
        files = list(server.inbox.glob("new/*"))
        return files if len(files) >= count else None

    try:
        files = wait_for(f"{count} mails", delivered, seconds)
    except TimeoutError as error:
        raise TimeoutError(f"{error}\n{server.log()}") from None
    mails = [file.read_bytes().replace(b"\r\n", b"\n") for file in files]
    for file in files:
        file.unlink()
    return mails


class PostfixInbox(Postfix):
    """Postfix, with more than one mail at a time."""

    title = "Postfix"
    copies = True

    def take(self, count: int = 1, seconds: float = DELIVERY_SECONDS) -> list[bytes]:
        return taken(self, count, seconds)


class Maildir(Server):
    """A server that delivers into a maildir, for example.org only."""

    title: str
    # Whether each recipient gets a file of its own.
    copies = True
    output = "logs/log"

    def prepare(self) -> None:
        self.inbox = self.folder_of("mail") / "inbox"
        # Servers deliver as users of theirs.
        self.inbox.parent.chmod(0o777)
        self.logs = self.folder_of("logs")
        self.logs.chmod(0o777)

    def take(self, count: int = 1, seconds: float = DELIVERY_SECONDS) -> list[bytes]:
        return taken(self, count, seconds)

    def log(self) -> str:
        return "\n".join(file.read_text(errors="replace")[-4000:] for file in self.logs.iterdir())


@functools.cache
def python_with_aiosmtpd() -> str:
    """Debian's package is for Debian's Python, which need not be the one that runs the tests."""
    for python in (sys.executable, "/usr/bin/python3"):
        looked = subprocess.run([python, "-c", "import aiosmtpd.smtp"], capture_output=True, timeout=30)
        if looked.returncode == 0:
            return python
    raise FileNotFoundError("aiosmtpd is not installed (python3-aiosmtpd)")


class Aiosmtpd(Maildir):
    """aiosmtpd. With a certificate it wants STARTTLS, or begins with TLS if `implicit`; with an
    account, USER:PASSWORD, it wants to know who sends."""

    title = "aiosmtpd"
    copies = False

    def __init__(self, certificate: Path | None = None, *, implicit: bool = False, account: str | None = None) -> None:
        self.options: list[str] = ["--implicit"] if implicit else []
        if certificate is not None:
            self.options += ["--certificate", str(certificate)]
        if account is not None:
            self.options += ["--account", account]

    def start(self) -> None:
        self.prepare()
        command = [python_with_aiosmtpd(), str(HERE / "aiosmtpd_server.py"), *self.options, str(self.inbox)]
        self.run_for_port(command)


def unpacked(program: str, *arguments: str) -> list[str]:
    """The command that runs a program of an unpacked package."""
    if os.geteuid() != 0:
        raise PermissionError(f"{program} needs root")
    if not (PACKAGES / program.lstrip("/")).exists():
        raise FileNotFoundError(f"{program} is not there (see tests/real/fetch_packages.sh)")
    return [str(HERE / "in_packages.sh"), str(PACKAGES), program, *arguments]


EXIM_MAIN = """\
primary_hostname = mail.example
spool_directory = {folder}/spool
log_file_path = {folder}/logs/%slog
deliver_drop_privilege = true
keep_environment =
tls_advertise_hosts =
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max_per_connection = 0
"""

EXIM_DELIVERY = """\
begin routers
all:
  driver = accept
  transport = inbox

begin transports
inbox:
  driver = appendfile
  maildir_format
  directory = {folder}/mail/inbox
"""

EXIM_CONF = f"""\
{EXIM_MAIN}acl_smtp_rcpt = rcpt

begin acl
rcpt:
  accept domains = example.org
  deny message = relay not permitted

{EXIM_DELIVERY}"""


class Exim(Maildir):
    """Exim as a service of inetd: the port is ours, which the kernel picked, and each connection
    gets a process."""

    title = "Exim"

    def start(self) -> None:
        self.prepare()
        self.folder_of("spool").chmod(0o777)
        self.config = self.folder / "exim.conf"
        self.config.write_text(EXIM_CONF.format(folder=self.folder))
        self.config.chmod(0o644)
        command = unpacked("/usr/sbin/exim4", "-C", str(self.config), "-odb", "-bs")
        self.port = self.services.enter_context(Inetd(command, stderr=subprocess.DEVNULL)).port


SMTPD_CONF = """\
listen on 127.0.0.1 port {port} hostname mail.example
table everyone {{ "@" = nobody }}
action "in" maildir "{folder}/mail/inbox" virtual <everyone>
match from any for domain "example.org" action "in"
"""


class OpenSmtpd(Maildir):
    """OpenSMTPD. It takes no port 0; what the kernel gives us a moment before is the nearest."""

    title = "OpenSMTPD"

    def start(self) -> None:
        self.prepare()
        self.port = free_port()
        config = self.folder / "smtpd.conf"
        config.write_text(SMTPD_CONF.format(port=self.port, folder=self.folder))
        command = unpacked("/usr/sbin/smtpd", "-d", "-f", str(config))
        self.run(command, env={"PATH": PATH})
        wait_for("OpenSMTPD listens", self.greets)
