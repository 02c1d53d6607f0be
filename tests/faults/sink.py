# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server that takes all mail, and knows a user whose password is `secret`."""

from pathlib import Path

from mail_server import MailServer


class Sink(MailServer):
    """`with Sink() as sink: … sink.address … sink.texts`."""

    def __init__(
        self,
        keywords: str = "",
        certificate: Path | None = None,
        hangs_up_after: int | None = None,
        prompts: dict[str, list[str]] | None = None,
    ):
        super().__init__(offers=tuple(word.replace("=", " ") for word in keywords.split()), certificate=certificate)
        self.hangs_up_after = hangs_up_after
        # What is said to an AUTH command that begins so, and to what the client answers.
        self.prompts = prompts or {}

    @property
    def texts(self) -> list[bytes]:
        return [mail.text for mail in self.mails]

    def answer(self, line: str) -> str | list[str] | None:
        if not line.startswith("AUTH "):
            return None
        if self.prompts:
            return next(after for start, after in self.prompts.items() if line.startswith(start))
        return None if line.endswith("AHVzZXIAc2VjcmV0") else "535 no"
