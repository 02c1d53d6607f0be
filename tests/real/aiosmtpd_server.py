#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""aiosmtpd as a server for tests: takes mail for example.org, of which each becomes a file in
FOLDER/new. It does not know nobody@example.org, and greylisted@example.org is to come again.

Listens on 127.0.0.1, on a port that the kernel picks; its first line of output is that port."""

import argparse
import asyncio
import signal
import ssl
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult

MESSAGE_MAX = 64 * 1024 * 1024


class Mailbox:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.greylisted: set[str] = set()
        self.taken = 0
        for name in ("tmp", "new"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:
        local, _, domain = address.rpartition("@")
        if domain != "example.org":
            return "554 5.7.1 Relay access denied"
        if local == "nobody":
            return "550 5.1.1 No such user"
        if local == "greylisted" and address not in self.greylisted:
            self.greylisted.add(address)
            return "451 4.7.1 Come again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, _server, _session, envelope) -> str:
        self.taken += 1
        file = self.folder / "tmp" / str(self.taken)
        file.write_bytes(envelope.content)
        file.rename(self.folder / "new" / file.name)
        return "250 2.0.0 Taken"


async def serve(arguments: argparse.Namespace) -> None:
    mailbox = Mailbox(arguments.folder)
    tls = None
    if arguments.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(arguments.certificate)

    def known(_server, _session, _envelope, _mechanism, data) -> AuthResult:
        given = f"{data.login.decode()}:{data.password.decode()}"
        return AuthResult(success=given == arguments.account, handled=False)

    def session() -> SMTP:
        return SMTP(
            mailbox,
            hostname="mail.example",
            tls_context=None if arguments.implicit else tls,
            require_starttls=tls is not None and not arguments.implicit,
            authenticator=known if arguments.account else None,
            auth_required=arguments.account is not None,
            auth_require_tls=not arguments.implicit,
            data_size_limit=MESSAGE_MAX,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0, ssl=tls if arguments.implicit else None)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    print(server.sockets[0].getsockname()[1], flush=True)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--certificate", help="with its key; offers STARTTLS and wants it")
    parser.add_argument("--implicit", action="store_true", help="TLS from the first byte")
    parser.add_argument("--account", help="USER:PASSWORD, without which nothing is taken")
    asyncio.run(serve(parser.parse_args()))
