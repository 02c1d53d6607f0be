# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that let a client in and hand its mail on, and some in other languages: Dovecot's
submission service, nginx, smtp-server and Haraka of npm, go-smtp. Each listens on 127.0.0.1 and
counts who asks."""

import http.server
import os
import re
import shutil
import subprocess
import threading
import urllib.parse
from pathlib import Path

import dovecot
from accounts import PASSWORD, USER
from listening import free_port
from more_servers import PACKAGES, Maildir, unpacked
from servers import PATH, Server, find, wait_for

HERE = Path(__file__).resolve().parent
GO_PACKAGES = Path("/usr/share/gocode")


DOVECOT_SETTINGS = """\
protocols = submission
listen = 127.0.0.1
auth_failure_delay = 1 secs
hostname = mail.example
submission_relay_host = 127.0.0.1
submission_relay_port = {relay}
submission_relay_trusted = no
service submission-login {{
  inet_listener submission {{
    port = {port}
  }}
}}
"""


class DovecotSubmission(Server):
    """Dovecot's submission service before another server. A wrong password costs a second."""

    def __init__(self, certificate: Path, relay: int):
        self.certificate = certificate
        self.relay = relay

    refuse = staticmethod(dovecot.submission_is_missing)

    def start(self) -> None:
        self.port = free_port()
        certificate = self.folder / "server.pem"
        shutil.copyfile(self.certificate, certificate)
        self.folder_of("home", "nobody")
        settings = DOVECOT_SETTINGS.format(port=self.port, relay=self.relay)
        configuration = dovecot.configure(
            self.folder, settings, {USER: PASSWORD}, ("plain", "login"), certificate=certificate
        )
        self.run([find("dovecot"), "-F", "-c", configuration], env={"PATH": PATH})
        wait_for("Dovecot listens", self.greets, 30)

    def attempts(self) -> int:
        """Refused passwords, as it says when it lets a client go."""

        def said():
            return re.findall(r"auth failed, (\d+) attempts", self.log())

        return sum(int(count) for count in wait_for("the client is gone", said))


NGINX_CONF = """\
daemon off;
master_process off;
load_module /usr/lib/nginx/modules/ngx_mail_module.so;
error_log {folder}/log info;
pid {folder}/pid;
events {{
}}
mail {{
  server_name mail.example;
  auth_http 127.0.0.1:{asks}/;
  smtp_auth {mechanisms};
  smtp_capabilities "SIZE 10485760" 8BITMIME;
  xclient off;
  server {{
    listen 127.0.0.1:{port};
    protocol smtp;
  }}
}}
"""


class NginxProxy(Server):
    """nginx before another server. It asks us over HTTP who may in."""

    def __init__(self, relay: int, mechanisms: tuple[str, ...]):
        self.relay = relay
        self.mechanisms = mechanisms
        # The mechanism of each question so far.
        self.questions: list[str] = []

    def start(self) -> None:
        self.port = free_port()
        proxy = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                given = urllib.parse.unquote(self.headers["Auth-Pass"] or "")
                proxy.questions.append(self.headers["Auth-Method"])
                self.send_response(200)
                if given == PASSWORD:
                    self.send_header("Auth-Status", "OK")
                    self.send_header("Auth-Server", "127.0.0.1")
                    self.send_header("Auth-Port", str(proxy.relay))
                else:
                    self.send_header("Auth-Status", "Invalid login or password")
                self.end_headers()

            def log_message(self, *_) -> None:
                pass

        answers = self.services.enter_context(http.server.HTTPServer(("127.0.0.1", 0), Answers))
        threading.Thread(target=answers.serve_forever, daemon=True).start()
        self.services.callback(answers.shutdown)
        configuration = self.folder / "nginx.conf"
        configuration.write_text(
            NGINX_CONF.format(
                folder=self.folder,
                asks=answers.server_address[1],
                mechanisms=" ".join(self.mechanisms),
                port=self.port,
            )
        )
        command = unpacked("/usr/sbin/nginx", "-c", str(configuration), "-p", str(self.folder))
        self.run(command, env={"PATH": PATH})
        wait_for("nginx listens", self.greets, 30)


class Counting(Maildir):
    """A server whose first line of output is its port, and whose log has a line for each question."""

    def __init__(self, certificate: Path):
        self.certificate = certificate

    def begin(self, command: list, **options) -> None:
        self.prepare()
        (self.inbox / "new").mkdir(parents=True)
        self.run_for_port([*command, self.certificate, f"{USER}:{PASSWORD}", self.inbox / "new"], **options)

    def asked(self) -> int:
        return self.log().count("asked: ")


def npm_lacks(module: Path) -> str | None:
    if shutil.which("node", path=PATH) is None:
        return "no Node.js here (nodejs)"
    return None if module.exists() else f"no {module.name} of npm here (see tests/real/fetch_packages.sh)"


class NodeServer(Counting):
    """smtp-server of npm, by the authors of Nodemailer."""

    title = "smtp-server"
    module = PACKAGES / "npm/node_modules/smtp-server"

    @classmethod
    def refuse(cls) -> str | None:
        return npm_lacks(cls.module)

    def start(self) -> None:
        self.begin([find("node"), HERE / "smtp_server.js", self.module])


class GoServer(Counting):
    """go-smtp, which many servers in Go are made with, as Debian 12 or 13 has it."""

    title = "go-smtp"

    @staticmethod
    def refuse() -> str | None:
        if shutil.which("go", path=PATH) is None:
            return "no Go here (golang-go)"
        for module in ("go-smtp", "go-sasl"):
            if not (GO_PACKAGES / "src/github.com/emersion" / module).exists():
                return f"no {module} here (golang-github-emersion-{module}-dev)"
        if GoServer.backend() is None:
            return "the program is for go-smtp 0.12 and 0.21, here is another one"
        return None

    @staticmethod
    def backend() -> Path | None:
        """What go-smtp calls in this program is another in each of its versions."""
        interface = (GO_PACKAGES / "src/github.com/emersion/go-smtp/backend.go").read_text()
        names = {"AnonymousLogin(": "go_server_0_12.go", "AuthMechanisms(": "go_server_0_21.go"}
        return next((HERE / file for name, file in names.items() if name in interface), None)

    def start(self) -> None:
        program = self.folder / "go_server"
        environment = {
            "PATH": PATH,
            "HOME": str(self.folder),
            "GOPATH": str(GO_PACKAGES),
            "GO111MODULE": "off",
            "GOFLAGS": "-p=1",
            "GOCACHE": os.environ.get("GOCACHE", str(PACKAGES / "go-cache")),
        }
        build = [find("go"), "build", "-o", program, HERE / "go_server.go", self.backend()]
        subprocess.run(build, env=environment, check=True, timeout=300)
        self.begin([program])


HARAKA_AUTH = """\
exports.register = function () {
  this.inherits('auth/auth_base');
};
exports.hook_capabilities = function (next, connection) {
  if (connection.tls.enabled) {
    connection.capabilities.push('AUTH PLAIN LOGIN');
    connection.notes.allowed_auth_methods = ['PLAIN', 'LOGIN'];
  }
  next();
};
exports.hook_mail = function (next, connection) {
  // Who is known may relay.
  connection.relaying ? next() : next(DENY, 'authenticate first');
};
exports.check_plain_passwd = function (connection, user, passwd, cb) {
  require('fs').appendFileSync(process.env.ASKED, 'asked: ' + user + '\\n');
  cb(`${user}:${passwd}` === process.env.ACCOUNT);
};
"""
HARAKA_QUEUE = """\
const fs = require('fs');
exports.hook_queue = function (next, connection) {
  const file = fs.createWriteStream(process.env.INBOX + '/' + connection.transaction.uuid);
  file.on('close', () => next(OK));
  connection.transaction.message_stream.pipe(file);
};
// For who may relay; nothing leaves this machine.
exports.hook_queue_outbound = exports.hook_queue;
"""


class Haraka(Maildir):
    """Haraka, a mail server in JavaScript, with plug-ins of ours for password and mailbox."""

    title = "Haraka"
    module = PACKAGES / "npm/node_modules/Haraka"

    def __init__(self, certificate: Path):
        self.certificate = certificate

    @classmethod
    def refuse(cls) -> str | None:
        return npm_lacks(cls.module)

    def start(self) -> None:
        self.prepare()
        (self.inbox / "new").mkdir(parents=True)
        self.port = free_port()
        config, plugins = self.folder_of("config"), self.folder_of("plugins")
        (config / "smtp.ini").write_text(f"listen=127.0.0.1:{self.port}\nnodes=0\n")
        shutil.copy(self.module / "config/connection.ini", config)
        (config / "me").write_text("mail.example\n")
        (config / "plugins").write_text("tls\nask\nrcpt_to.in_host_list\nkeep\n")
        (config / "host_list").write_text("example.org\n")
        for name in ("tls_key.pem", "tls_cert.pem"):
            shutil.copyfile(self.certificate, config / name)
        # Otherwise it has them made, by a program that goes on for half a minute when the server is gone.
        subprocess.run(
            [*"openssl genpkey -genparam -algorithm DH -pkeyopt group:ffdhe2048 -out".split(), config / "dhparams.pem"],
            check=True,
            capture_output=True,
        )
        (plugins / "ask.js").write_text(HARAKA_AUTH)
        (plugins / "keep.js").write_text(HARAKA_QUEUE)
        account = {
            "ACCOUNT": f"{USER}:{PASSWORD}",
            "ASKED": str(self.logs / "asked"),
            "INBOX": str(self.inbox / "new"),
            "PATH": PATH,
        }
        self.run([find("node"), self.module / "bin/haraka", "-c", self.folder], env=account)
        wait_for("Haraka listens", self.greets, 30)

    def asked(self) -> int:
        return self.log().count("asked: ")
