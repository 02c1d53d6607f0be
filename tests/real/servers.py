# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail servers of Postfix for the time of a test: in a folder of their own, on 127.0.0.1, on a port
that the kernel picks. Each is a context manager; what was started is stopped on the way out."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

NOBODY = 65534
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def find(program: str) -> str:
    """The program's path; servers are not on every user's path."""
    found = shutil.which(program, path=PATH)
    if found is None:
        raise FileNotFoundError(f"{program} is not installed (see scripts/setup)")
    return found


def wait_for(what: str, look, seconds: float = 10):
    """What look() returns, as soon as that is something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not after {seconds} s")
        time.sleep(0.01)
    return found


def listening_port(process_id: int, other_than: int | None = None) -> int | None:
    """The TCP port on which the process listens. Neither server tells which one it got."""
    sockets = set()
    for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
        try:
            sockets.add(os.readlink(descriptor))
        except OSError:
            continue
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *rest = line.split()
        inode = rest[5]
        port = int(local.partition(":")[2], 16)
        if state == "0A" and f"socket:[{inode}]" in sockets and port != other_than:
            return port
    return None


class Server:
    """What servers have in common: a folder, a process or whoever listens for them, and an address once they run."""

    port: int
    process: subprocess.Popen | None = None
    # The file of what the process writes.
    output = "output"

    def __enter__(self):
        self.services = contextlib.ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="esmtp-server-"))
        try:
            # The servers give up root and must still get in.
            self.folder.chmod(0o755)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_) -> None:
        try:
            with self.services:
                self.stop()
        finally:
            shutil.rmtree(self.folder)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def run(self, command: list, **how) -> None:
        with (self.folder / self.output).open("wb") as output:
            streams = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
            self.process = subprocess.Popen(command, **streams | how)

    def run_for_port(self, command: list, **how) -> None:
        """The first line of the program's output is its port."""
        self.run(command, stdout=subprocess.PIPE, text=True, **how)
        with self.process.stdout as answer:
            port = answer.readline()
        if not port:
            raise RuntimeError(f"{command[0]} did not start\n{self.log()}")
        self.port = int(port)

    def running(self) -> bool:
        if self.process.poll() is not None:
            said = (self.folder / self.output).read_text(errors="replace")
            raise RuntimeError(f"ended with {self.process.returncode}\n{said}\n{self.log()}")
        return True

    def greets(self) -> bool:
        self.running()
        try:
            with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
                return connection.recv(3) == b"220"
        except (ConnectionRefusedError, TimeoutError):
            return False

    def log(self) -> str:
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def folder_of(self, name: str, user: int | str | None = None) -> Path:
        folder = self.folder / name
        folder.mkdir()
        if user is not None and os.geteuid() == 0:
            shutil.chown(folder, user)
        return folder


class SmtpSink(Server):
    """Postfix's test server. Takes one session and writes down what it got."""

    def start(self) -> None:
        self.dumps = self.folder_of("dumps", NOBODY)
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        # It counts to -n only while it shows its counters (-c).
        command = [find("smtp-sink"), *user, "-c", "-n", "1", "-d", "mail.", "127.0.0.1:0", "10"]
        self.run(command, cwd=self.dumps)
        self.port = wait_for("smtp-sink listens", lambda: listening_port(self.process.pid))

    def mail(self) -> bytes:
        """The mail that came, under headers of smtp-sink."""
        self.process.wait(timeout=10)
        (dump,) = self.dumps.iterdir()
        text = dump.read_bytes()
        # An empty line keeps the mails of one file apart; it is there for a single one too.
        return text.removesuffix(b"\n")


MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example
mydestination =
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:{nobody}
virtual_gid_maps = static:{nobody}
smtpd_relay_restrictions = reject_unauth_destination
default_transport = error:no mail leaves this machine
notify_classes =
"""

MASTER_CF = """\
127.0.0.1:0 inet       n - n - - smtpd -o max_use=1
cleanup     unix       n - n - 0 cleanup
qmgr        unix       n - n 300 1 qmgr
tlsmgr      unix       - - n 1000? 1 tlsmgr
rewrite     unix       - - n - - trivial-rewrite
bounce      unix       - - n - 0 bounce
defer       unix       - - n - 0 bounce
trace       unix       - - n - 0 bounce
error       unix       - - n - - error
retry       unix       - - n - - error
virtual     unix       - n n - - virtual
anvil       unix       - - n - 1 anvil
postlog     unix-dgram n - n - 1 postlogd
"""


# RFC 8314 §3.3; the client takes it for TLS from the first byte.
TLS_PORT = 465
TLS_SERVICE = f"127.0.0.1:{TLS_PORT} inet n - n - - smtpd -o max_use=1 -o smtpd_tls_wrappermode=yes\n"


class Postfix(Server):
    """An instance of Postfix that takes mail for example.org into one maildir. Needs root.
    With own_network (see network.py) it also listens on TLS_PORT."""

    master: int | None = None

    def __init__(
        self,
        settings: dict[str, object] | None = None,
        own_network: bool = False,
        sasl_config: Path | None = None,
    ):
        self.settings = settings or {}
        self.own_network = own_network
        self.sasl_config = sasl_config

    def start(self) -> None:
        self.config = self.folder_of("config")
        self.folder_of("queue")
        self.folder_of("data", "postfix")
        self.inbox = self.folder_of("mail", NOBODY) / "inbox"
        self.configure()
        services = MASTER_CF + (TLS_SERVICE if self.own_network else "")
        (self.config / "master.cf").write_text(services)
        if self.sasl_config is not None:
            # Debian 12's Postfix looks for Cyrus SASL's configuration here only, Debian 13's where it is told.
            sasl = self.folder_of("config/sasl")
            shutil.copy(self.sasl_config, sasl)
            self.configure(cyrus_sasl_config_path=sasl)
        # Returns when the server listens.
        self.postfix("start")
        self.master = int((self.folder / "queue/pid/master.pid").read_text())
        self.port = wait_for("Postfix listens", lambda: listening_port(self.master, TLS_PORT))

    def configure(self, **settings: object) -> None:
        """Takes effect with the next connection: a process serves one (max_use)."""
        self.settings |= settings
        lines = [f"{name} = {value}\n" for name, value in self.settings.items()]
        new = self.config / "new"
        new.write_text(MAIN_CF.format(folder=self.folder, nobody=NOBODY) + "".join(lines))
        # Postfix waits for a second before it trusts a file that has just been written. There is no
        # need to: another process of it finds the old file or the new one, never a part.
        past = time.time() - 60
        os.utime(new, (past, past))
        new.replace(self.config / "main.cf")

    def stop(self) -> None:
        if (self.folder / "queue/pid/master.pid").exists():
            self.postfix("stop")

    def postfix(self, command: str) -> None:
        arguments = [find("postfix"), "-c", self.config, command]
        done = subprocess.run(arguments, env={"PATH": PATH}, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
        if done.returncode != 0:
            raise RuntimeError(f"postfix {command}: {done.stderr.decode()}\n{self.log()}")

    def mail(self) -> bytes:
        """The mail that came, under headers of Postfix. It is taken out of the mailbox."""
        try:
            return wait_for("delivered", lambda: take(self.inbox))
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log()}") from None


def take(maildir: Path) -> bytes | None:
    """The mail that is in the folder, if there is one."""
    mails = list(maildir.glob("new/*"))
    if not mails:
        return None
    (mail,) = mails
    text = mail.read_bytes()
    mail.unlink()
    return text
