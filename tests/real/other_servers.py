# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a client meets at servers that have one way to authenticate, or none: a strict HELO, delays and
a count after a wrong password, a proxy that hangs up, servers in other languages."""

import contextlib
import json
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from accounts import PASSWORD, USER
from certificates import Certificates
from more_servers import Aiosmtpd, Exim, OpenSmtpd, PostfixInbox, unpacked
from proxies import DovecotSubmission, GoServer, Haraka, NginxProxy, NodeServer
from servers import find
from sites import number_in
from submit import Outcome, Submit, delivered_as_sent

WRONG = ("-P", "-u", USER, "-p", "wrong")
RIGHT = ("-P", "-u", USER, "-p", PASSWORD)
MUST = ("-t", "must")
# A node name that is no domain.
NODE = "my_host"
# After STARTTLS, PLAIN and LOGIN.
PASSWORDS = "passwords"
STRICT_POSTFIX = {
    "smtpd_helo_required": "yes",
    "smtpd_delay_reject": "no",
    "smtpd_helo_restrictions": "reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname",
}


def as_sent(mail: bytes) -> bool:
    """Some of these servers add no header."""
    return delivered_as_sent(b"\n" + mail.replace(b"\r\n", b"\n"))


def why_not(program: str) -> str | None:
    """Why a program that was unpacked (see fetch_packages.sh) cannot run."""
    try:
        unpacked(program)
    except (PermissionError, FileNotFoundError) as reason:
        return str(reason)
    return None


@dataclass
class Meeting:
    """A server as one client finds it."""

    port: int
    # The mails that arrived since.
    take: Callable[[], list[bytes]]
    # How often a password was checked so far, where passwords are.
    asked: Callable[[], int] | None = None
    options: tuple[str, ...] = ()
    node: str | None = None


@dataclass
class Kind:
    name: str
    version: Callable[[], str]
    how: str
    meet: Callable[[contextlib.ExitStack, Certificates], Meeting]
    refuse: Callable[[], str | None] = lambda: None


def no_exim() -> str | None:
    return why_not("/usr/sbin/exim4")


def no_nginx() -> str | None:
    return why_not("/usr/sbin/nginx")


def of_package(package: str) -> Callable[[], str]:
    return lambda: number_in(
        subprocess.check_output([find("dpkg-query"), "-W", "-f", "${Version}", package], text=True, timeout=30)
    )


def of_npm(module: Path) -> Callable[[], str]:
    return lambda: json.loads((module / "package.json").read_text())["version"]


def of_archive(package: str) -> Callable[[], str]:
    """Of what fetch_packages.sh unpacks."""

    def look() -> str:
        listed = subprocess.check_output([find("apt-cache"), "policy", package], text=True, timeout=30)
        candidate = next(line for line in listed.splitlines() if "Candidate:" in line)
        return number_in(candidate)

    return look


def strict_exim(stack: contextlib.ExitStack, _: Certificates) -> Meeting:
    server = stack.enter_context(Exim())
    return Meeting(server.port, server.take, node=NODE)


def strict_postfix(stack: contextlib.ExitStack, _: Certificates) -> Meeting:
    server = stack.enter_context(PostfixInbox(STRICT_POSTFIX))
    return Meeting(server.port, server.take, node=NODE)


def opensmtpd(stack: contextlib.ExitStack, _: Certificates) -> Meeting:
    server = stack.enter_context(OpenSmtpd())
    return Meeting(server.port, server.take)


def aiosmtpd(stack: contextlib.ExitStack, certificates: Certificates) -> Meeting:
    server = stack.enter_context(Aiosmtpd(certificates.good))
    return Meeting(server.port, server.take, options=MUST)


def dovecot(stack: contextlib.ExitStack, certificates: Certificates) -> Meeting:
    inbox = stack.enter_context(Aiosmtpd())
    server = stack.enter_context(DovecotSubmission(certificates.good, inbox.port))
    return Meeting(server.port, inbox.take, server.attempts, MUST)


def nginx(mechanism: str):
    def meet(stack: contextlib.ExitStack, _: Certificates) -> Meeting:
        inbox = stack.enter_context(Aiosmtpd())
        proxy = stack.enter_context(NginxProxy(inbox.port, (mechanism,)))
        return Meeting(proxy.port, inbox.take, lambda: len(proxy.questions))

    return meet


def counting(server_class):
    def meet(stack: contextlib.ExitStack, certificates: Certificates) -> Meeting:
        server = stack.enter_context(server_class(certificates.good))
        return Meeting(server.port, server.take, server.asked, MUST)

    return meet


KINDS = (
    Kind("Exim", of_archive("exim4-daemon-heavy"), f"strict HELO; this host is `{NODE}`", strict_exim, no_exim),
    Kind("Postfix", of_package("postfix"), f"strict HELO; this host is `{NODE}`", strict_postfix),
    Kind("OpenSMTPD", of_archive("opensmtpd"), "as it comes", opensmtpd, lambda: why_not("/usr/sbin/smtpd")),
    Kind("aiosmtpd", of_package("python3-aiosmtpd"), "STARTTLS", aiosmtpd),
    Kind("Dovecot submission", of_package("dovecot-submissiond"), PASSWORDS, dovecot, DovecotSubmission.refuse),
    Kind("nginx", of_archive("nginx"), "mail proxy, PLAIN", nginx("plain"), no_nginx),
    Kind("nginx", of_archive("nginx"), "mail proxy, LOGIN", nginx("login"), no_nginx),
    Kind("smtp-server", of_npm(NodeServer.module), PASSWORDS, counting(NodeServer), NodeServer.refuse),
    Kind("Haraka", of_npm(Haraka.module), PASSWORDS, counting(Haraka), Haraka.refuse),
    Kind("go-smtp", of_package("golang-github-emersion-go-smtp-dev"), PASSWORDS, counting(GoServer), GoServer.refuse),
)


def sends(submit: Submit, meeting: Meeting, ours: bool, credentials: tuple[str, ...]) -> Outcome | None:
    """None if it went on for longer than a test waits."""
    try:
        return submit(meeting.port, *meeting.options, *credentials, ours=ours, node=meeting.node)
    except subprocess.TimeoutExpired:
        return None


def delivers(submit: Submit, meeting: Meeting, ours: bool) -> bool:
    """Whether the mail arrives as it was sent."""
    outcome = sends(submit, meeting, ours, RIGHT if meeting.asked else ())
    return outcome is not None and outcome.sent and all(as_sent(mail) for mail in meeting.take())


def refusals(submit: Submit, meeting: Meeting, ours: bool) -> str:
    """How often the server checks a wrong password in one session."""
    if meeting.asked is None:
        return "–"
    outcome = sends(submit, meeting, ours, WRONG)
    return "?" if outcome is None else str(meeting.asked())


def rows(submit: Submit, certificates: Certificates) -> Iterable[list[str]]:
    """A row for each server; what is missing here says so."""
    for kind in KINDS:
        if reason := kind.refuse():
            yield [kind.name, kind.how, *[f"not tried: {reason}"] * 4]
            continue
        cells = [f"{kind.name} {kind.version()}", kind.how]
        for ours in (True, False):
            with contextlib.ExitStack() as stack:
                meeting = kind.meet(stack, certificates)
                asked = refusals(submit, meeting, ours)
                cells += [asked, "yes" if delivers(submit, meeting, ours) else "**no**"]
        yield cells
