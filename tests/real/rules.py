# SPDX-License-Identifier: LGPL-2.1-or-later
"""Postfix and Exim with rules of what they refuse, and at which point of the dialogue."""

import subprocess

from more_servers import EXIM_DELIVERY, EXIM_MAIN, Exim, unpacked
from servers import Postfix, wait_for

REFUSED = "refused@example.net"
LATER = "later@example.net"
LIMIT = 6_000_000
DELIVERY_SECONDS = 30


class PostfixWithRules(Postfix):
    """Refuses a sender, a header, a word in a text, and texts that are too long."""

    refuse_sender, refuse_recipient, refuse_header, refuse_word, too_long = 554, 554, 550, 550, 552
    # To DATA behind refused recipients.
    no_recipient = 554

    def __init__(self):
        super().__init__(
            {
                "message_size_limit": LIMIT,
                # MAIL is refused at MAIL.
                "smtpd_delay_reject": "no",
                "smtpd_sender_restrictions": f"check_sender_access inline:{{{REFUSED}=REJECT}}",
                "smtpd_end_of_data_restrictions":
                    f"check_sender_access inline:{{ {{{LATER} = 451 later}} }}",
                # Words are looked for in all of a text.
                "body_checks_size_limit": LIMIT,
                # No penalty for what is refused here.
                "smtpd_error_sleep_time": "0",
                "smtpd_soft_error_limit": "1000",
                "smtpd_hard_error_limit": "1000",
                "smtpd_junk_command_limit": "1000",
            }
        )  # fmt: skip

    def start(self) -> None:
        super().start()
        (self.config / "headers").write_text("/^X-Refuse:/ REJECT\n")
        (self.config / "words").write_text("/^refuse this$/ REJECT\n")
        self.configure(header_checks=f"regexp:{self.config}/headers", body_checks=f"regexp:{self.config}/words")

    def offer(self, *keywords: str) -> None:
        withdrawn = {"CHUNKING", "PIPELINING"} - set(keywords)
        self.configure(smtpd_discard_ehlo_keywords=" ".join(sorted(withdrawn)))

    def deliver(self) -> None:
        """Returns when nothing is left in the queue."""
        queues = [self.folder / "queue" / name for name in ("incoming", "active", "deferred")]
        wait_for("delivered", lambda: not any(any(q.rglob("[0-9A-F]*?????")) for q in queues),
                 DELIVERY_SECONDS)  # fmt: skip


EXIM_CONF = (
    EXIM_MAIN
    + """\
message_size_limit = {limit}
chunking_advertise_hosts = {chunking}
pipelining_advertise_hosts = {pipelining}
# deliver() does it, whatever the command line says.
queue_only
queue_only_override = false
smtp_accept_max_nonmail = {nonmail}
acl_smtp_mail = mail
acl_smtp_rcpt = rcpt
acl_smtp_data = data

begin acl
mail:
  deny senders = {refused}
  accept
rcpt:
  accept domains = example.org
  deny message = relay not permitted
data:
  deny condition = ${{if def:h_X-Refuse:}}
  deny condition = ${{if match{{$message_body_end}}{{refuse this}}}}
  defer senders = {later}
        message = later
  accept

"""
    + EXIM_DELIVERY
    + """\
  envelope_to_add
  return_path_add
"""
)


class EximWithRules(Exim):
    refuse_sender, refuse_recipient, refuse_header, refuse_word, too_long = 550, 550, 550, 550, 552
    no_recipient = 503
    # How many commands that do not belong to a message it bears; a RSET is one, except for the first
    # behind a message. Its own default is 10.
    nonmail = 1000

    def start(self) -> None:
        super().start()
        self.offer()

    def offer(self, *keywords: str) -> None:
        self.config.write_text(
            EXIM_CONF.format(
                folder=self.folder,
                limit=LIMIT,
                refused=REFUSED,
                later=LATER,
                nonmail=self.nonmail,
                chunking="*" if "CHUNKING" in keywords else "",
                pipelining="*" if "PIPELINING" in keywords else "",
            )
        )

    def deliver(self) -> None:
        command = unpacked("/usr/sbin/exim4", "-C", str(self.config), "-qf")
        subprocess.run(command, stdin=subprocess.DEVNULL, check=True, timeout=DELIVERY_SECONDS)
        if left := list((self.folder / "spool/input").rglob("*-H")):
            raise RuntimeError(f"not delivered: {left}\n{self.log()}")
