#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which mechanisms work with which servers, and what other servers make of a session, with this
library and with Debian's.

tests/real/compatibility.py [--build BUILD]            prints the tables
tests/real/compatibility.py [--build BUILD] --write    puts them into docs/compatibility.md"""

import argparse
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterable
from pathlib import Path

from accounts import USER
from certificates import Certificates
from network import enter_own_network
from other_servers import rows
from sites import CHANNELS, SITES, TLS, Site, credentials
from submit import Submit, authenticated_as, delivered_as_sent

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs/compatibility.md"
FIRST_LINE = "<!-- Written by tests/real/compatibility.py; what is below is replaced. -->\n"
LAST_LINE = "<!-- The end of what it writes. -->\n"
NOT_OFFERED = "–"

# Keyed by library (ours?), mechanism, and site.
Results = dict[tuple[bool, str, str], list[str]]


def delivers(site: Site, submit: Submit, mechanism: str, channel: str, ours: bool) -> bool:
    """Whether the mail arrives as it was sent, from whom the server takes for the user."""
    site.offer(mechanism)
    certificate = site.certificates.client(USER) if mechanism == "EXTERNAL" else None
    submit.use_client_certificate(certificate)
    options = [*CHANNELS[channel], *credentials(mechanism)]
    try:
        outcome = submit(site.port(channel), *options, ours=ours)
    except subprocess.TimeoutExpired:
        return False
    if not outcome.sent or outcome.tried != [mechanism]:
        return False
    mail = site.mail()
    return delivered_as_sent(mail) and authenticated_as(mail) == USER


def run(build: Path, own_network: bool) -> tuple[list[str], Results, list[list[str]]]:
    titles = []
    results: Results = {}
    with tempfile.TemporaryDirectory(prefix="esmtp-compatibility-") as name:
        folder = Path(name)
        # Servers that gave up root read certificates here.
        folder.chmod(0o755)
        (folder / "certificates").mkdir()
        certificates = Certificates(folder / "certificates")
        submit = Submit(folder, build)
        submit.trust(certificates.ca)
        for site_class in SITES:
            if reason := site_class.refuse():
                raise unittest.SkipTest(reason)
            with site_class(certificates, own_network) as site:
                title = site.title()
                titles.append(title)
                for mechanism, channel in site.cases():
                    for ours in (True, False):
                        channels = results.setdefault((ours, mechanism, title), [])
                        # libESMTP 1.1.0 waits there for five minutes.
                        if not ours and channel == TLS:
                            continue
                        if delivers(site, submit, mechanism, channel, ours):
                            channels.append(channel)
        submit.use_client_certificate(None)
        others = list(rows(submit, certificates))
    return titles, results, others


def table(titles: list[str], results: Results, ours: bool) -> Iterable[str]:
    yield "| " + " | ".join(["mechanism", *titles]) + " |\n"
    yield "| " + " | ".join(["---"] * (len(titles) + 1)) + " |\n"
    mechanisms = dict.fromkeys(mechanism for _, mechanism, _ in results)
    for mechanism in mechanisms:
        cells = [mechanism]
        for title in titles:
            channels = results.get((ours, mechanism, title))
            cells.append(NOT_OFFERED if channels is None else ", ".join(channels) or "**no**")
        yield "| " + " | ".join(cells) + " |\n"


def other_table(others: list[list[str]]) -> Iterable[str]:
    heads = ("server", "how", "wrong password", "mail", "libESMTP: wrong password", "mail")
    yield "| " + " | ".join(heads) + " |\n"
    yield "| " + " | ".join(["---"] * len(heads)) + " |\n"
    for cells in others:
        yield "| " + " | ".join(cells) + " |\n"


def tables(titles: list[str], results: Results, others: list[list[str]]) -> str:
    lines = [
        "### This library\n\n",
        *table(titles, results, ours=True),
        "\n### libESMTP 1.1.0\n\n",
        *table(titles, results, ours=False),
        "\n### Other servers\n\n",
        *other_table(others),
    ]
    return "".join(lines)


def write(text: str) -> None:
    document = DOCUMENT.read_text()
    before, _, rest = document.partition(FIRST_LINE)
    _, _, after = rest.partition(LAST_LINE)
    DOCUMENT.write_text(f"{before}{FIRST_LINE}\n{text}\n{LAST_LINE}{after}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    try:
        if not enter_own_network():
            raise unittest.SkipTest("no network of its own can be had")
        text = tables(*run(arguments.build.resolve(), own_network=True))
    except unittest.SkipTest as reason:
        print(f"not possible here: {reason}", file=sys.stderr)
        return 1
    if arguments.write:
        write(text)
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
