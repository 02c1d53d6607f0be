# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs that use libesmtp, each in a folder of its own for the time of a test. `library` is the
folder whose libesmtp.so.6 a program gets, None = the system's. Each says which file it has loaded."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

from listening import between, loopback
from servers import PATH, Server, find, wait_for

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60


def environment(library: Path | None, home: Path) -> dict[str, str]:
    variables = {"HOME": str(home), "PATH": PATH}
    if library is not None:
        variables["LD_LIBRARY_PATH"] = str(library)
    return variables


def loaded_library(process: subprocess.Popen) -> Path:
    """The libesmtp in the program's memory, as soon as there is one."""

    def look():
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        return {line.split(maxsplit=5)[-1] for line in maps.splitlines() if "libesmtp.so" in line}

    (file,) = wait_for("libesmtp in memory", look)
    return Path(file)


class Run:
    """What a program did: the library it had, its status and what it said."""

    def __init__(self, library: Path, status: int, output: str) -> None:
        self.library = library
        self.status = status
        self.output = output


@contextlib.contextmanager
def temporary_folder():
    with tempfile.TemporaryDirectory(prefix="esmtp-program-") as name:
        yield Path(name)


class Gate:
    """Stands before a server and lets one client through when it is told to. Until then the client
    waits for its greeting, and so its memory can be looked at."""

    def __init__(self, port: int) -> None:
        self.server = port
        self.listener = loopback()
        self.listener.settimeout(SECONDS)
        self.port = self.listener.getsockname()[1]
        self.ends: list[socket.socket] = []
        self.between = threading.Thread(target=lambda: between(*self.ends))

    def open(self) -> None:
        self.ends = [self.listener.accept()[0], socket.create_connection(("127.0.0.1", self.server), SECONDS)]
        self.between.start()

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_) -> None:
        self.listener.close()
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        if self.ends:
            self.between.join(SECONDS)
        for end in self.ends:
            end.close()


def run_once(command: list[str], gate: Gate, mail: bytes, variables: dict[str, str]) -> Run:
    """Runs a program that sends the mail on its standard input through the gate."""
    with tempfile.TemporaryFile() as text:
        text.write(mail)
        text.seek(0)
        with subprocess.Popen(
            command, env=variables, stdin=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as program:
            try:
                library = loaded_library(program)
                gate.open()
                output, _ = program.communicate(timeout=SECONDS)
            finally:
                program.kill()
    return Run(library, program.returncode, output.decode(errors="replace"))


def esmtp(port: int, library: Path | None, mail: bytes, sender: str, recipients: list[str]) -> Run:
    with temporary_folder() as home, Gate(port) as gate:
        settings = home / "esmtprc"
        settings.write_text(f"hostname = 127.0.0.1:{gate.port}\nhelo = client.example\n")
        command = [find("esmtp"), "-C", str(settings), "-f", sender, *recipients]
        return run_once(command, gate, mail, environment(library, home))


def compile_mail_file(folder: Path) -> Path:
    """examples/mail-file.c with all warnings, against the system's library."""
    sources = [str(ROOT / "examples" / name) for name in ("mail-file.c", "mail-file-options.c")]
    program = folder / "mail-file"
    warnings = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    subprocess.run(["cc", *warnings, *sources, "-o", str(program), "-lesmtp"], check=True, timeout=60)
    return program


def mail_file(program: Path, port: int, library: Path | None, mail: bytes, sender: str, recipients: list[str]) -> Run:
    with temporary_folder() as home, Gate(port) as gate:
        # The library's own conversion of line ends is what is looked at; the reference has none.
        convert = ["--crlf"] if library is None else []
        server = f"127.0.0.1:{gate.port}"
        command = [str(program), *convert, "--host", server, "--from", sender, "-", *recipients]
        return run_once(command, gate, mail, environment(library, home))


class Daemon(Server):
    """A program that runs in the foreground until it is told to end. The port is its server's."""

    output = "log"
    host = "127.0.0.1"

    def __init__(self, port: int, library: Path | None, variables: dict[str, str] | None = None) -> None:
        self.port = port
        self.library = library
        self.variables = variables or {}

    def start(self) -> None:
        self.run(self.command(), cwd=self.folder, env=environment(self.library, self.folder) | self.variables)
        self.ready()
        self.loaded = loaded_library(self.process)

    def log(self) -> str:
        return super().log()[-4000:]


COLLECTD_CONF = """\
Hostname "collected.example"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/pid"
PluginDir "/usr/lib/collectd"
TypesDB "/usr/share/collectd/types.db"
Interval 3600
# In this order: once there is a socket, mail can be sent.
LoadPlugin notify_email
LoadPlugin unixsock
<Plugin unixsock>
  SocketFile "{folder}/socket"
</Plugin>
<Plugin notify_email>
  SMTPServer "{host}"
  SMTPPort {port}
  From "collectd@example.net"
  Recipient "first@example.org"
  Recipient "second@example.org"
  Subject "Notice of %s from %s"
  {account}
</Plugin>
"""


class Collectd(Daemon):
    """collectd's notify_email: mails what is put into its socket."""

    recipients = 2
    # More lines for notify_email.
    account = ""

    def command(self) -> list[str]:
        config = self.folder / "collectd.conf"
        values = {"folder": self.folder, "host": self.host, "port": self.port, "account": self.account}
        config.write_text(COLLECTD_CONF.format(**values))
        return [find("collectd"), "-f", "-C", str(config)]

    def ready(self) -> None:
        wait_for("collectd's socket", lambda: self.running() and (self.folder / "socket").exists())

    def send(self, text: str) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(SECONDS)
            wait_for("collectd answers", lambda: self.connected(connection))
            # The time is fixed, so that the mails can be compared.
            line = f'PUTNOTIF time=1767268800 severity=warning host=h.example message="{text}"\n'
            connection.sendall(line.encode())
            answer = connection.recv(200)
        if not answer.startswith(b"0 "):
            raise RuntimeError(f"collectd: {answer!r}")

    def connected(self, connection: socket.socket) -> bool:
        try:
            connection.connect(str(self.folder / "socket"))
        except ConnectionRefusedError:
            return False
        return True


SYSLOG_NG_CONF = """\
@version: 3.35
options {{ stats-freq(0); keep-hostname(yes); use-dns(no); }};
source s {{ file("{folder}/input" flags(no-parse) follow-freq(0.1) read-old-records(yes)); }};
destination d {{
  smtp(
    host("{host}") port({port})
    from("syslog" "syslog@example.net")
    to("operator" "operator@example.org")
    subject("[syslog] a line")
    header("X-Program", "syslog-ng")
    body("$MESSAGE")
  );
}};
log {{ source(s); destination(d); flags(flow-control); }};
"""


class SyslogNg(Daemon):
    """syslog-ng's smtp(): mails each line that is written to a file."""

    recipients = 1

    @staticmethod
    def refuse() -> str | None:
        """Why it can't run here. Debian has one system logger at a time, and another may be installed; since 13 its
        syslog-ng has no smtp()."""
        if shutil.which("syslog-ng", path=PATH) is None:
            return "syslog-ng is not installed"
        if not any(Path("/usr/lib/syslog-ng").glob("*/libafsmtp.so")):
            return "syslog-ng has no smtp() here (syslog-ng-mod-smtp)"
        return None

    def command(self) -> list[str]:
        config = self.folder / "syslog-ng.conf"
        config.write_text(SYSLOG_NG_CONF.format(folder=self.folder, host=self.host, port=self.port))
        (self.folder / "input").touch()
        files = {"cfgfile": config.name, "persist-file": "persist", "pidfile": "pid", "control": "control"}
        options = [f"--{name}={self.folder / file}" for name, file in files.items()]
        return [find("syslog-ng"), "--foreground", "--stderr", "--no-caps", *options]

    def ready(self) -> None:
        wait_for("syslog-ng's socket", lambda: self.running() and (self.folder / "control").exists())

    def send(self, *lines: str) -> None:
        with (self.folder / "input").open("a") as file:
            file.write("".join(line + "\n" for line in lines))
