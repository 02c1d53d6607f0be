# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecot's configuration, in the form of the version that is here: 2.4 has other names than 2.3 for much
of it, and neither takes the other's."""

import functools
import re
import subprocess
from pathlib import Path

from servers import find

COMMON = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
auth_verbose = yes
auth_mechanisms = {mechanisms}
# It would answer later and later to an address with wrong passwords.
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
"""

# By the first two numbers of the version.
FORMS = {
    (2, 3): {
        "first": "",
        "accounts": """\
passdb {{
  driver = passwd-file
  mechanisms = {with_password}
  args = {folder}/passwords
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/home
}}
mail_location = maildir:{folder}/home/mail
""",
        "clear": "ssl = no\ndisable_plaintext_auth = no\n",
        "tls": "ssl = yes\nssl_cert = <{certificate}\nssl_key = <{certificate}\n",
        "dialogue": "auth_debug = yes\n",
        "tokens": """\
passdb {{
  driver = oauth2
  mechanisms = {with_token}
  args = {folder}/oauth2
}}
""",
    },
    (2, 4): {
        "first": "dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0\n",
        "accounts": """\
passdb passwd-file {{
  passwd_file_path = {folder}/passwords
  mechanisms_filter = {with_password}
}}
userdb static {{
  fields {{
    uid = nobody
    gid = nogroup
    home = {folder}/home
  }}
}}
mail_driver = maildir
mail_path = {folder}/home/mail
""",
        "clear": "ssl = no\nauth_allow_cleartext = yes\n",
        "tls": "ssl = yes\nssl_server_cert_file = {certificate}\nssl_server_key_file = {certificate}\n",
        "dialogue": "log_debug = category=smtp-server\n",
        "tokens": """\
oauth2 {{
{oauth2}}}
passdb oauth2 {{
  mechanisms_filter = {with_token}
}}
""",
    },
}


class Tokens:
    """Whom Dovecot believes that a token is good: who signed it. Another class can ask a server."""

    MECHANISMS = ("oauthbearer", "xoauth2")

    def settings(self, folder: Path, form: tuple[int, int]) -> str:
        keys = folder / "keys/"
        if form == (2, 3):
            lines = f"local_validation_key_dict = fs:posix:prefix={keys}/\n"
        else:
            lines = f"oauth2_local_validation {{\ndict fs {{\nfs posix {{\nprefix = {keys}/\n}}\n}}\n}}\n"
        return f"introspection_mode = local\nusername_attribute = sub\n{lines}"


class IntrospectedTokens(Tokens):
    """Each token is sent to an OAuth server (RFC 7662), whose certificate is of the authority `ca`."""

    def __init__(self, url: str, ca: Path) -> None:
        self.url = url
        self.ca = ca

    def settings(self, folder: Path, form: tuple[int, int]) -> str:
        ca = "tls_ca_cert_file" if form == (2, 3) else "ssl_client_ca_file"
        return f"""\
introspection_mode = post
introspection_url = {self.url}
{ca} = {self.ca}
username_attribute = sub
active_attribute = active
active_value = true
"""


@functools.cache
def version() -> str:
    return subprocess.check_output([find("dovecot"), "--version"], timeout=30).decode().strip()


def form() -> tuple[int, int]:
    numbers = re.match(r"(\d+)\.(\d+)", version())
    return int(numbers[1]), int(numbers[2])


def refuse() -> str | None:
    """Why it can't run here."""
    try:
        known = form() in FORMS
    except FileNotFoundError as error:
        return str(error)
    return None if known else f"these configurations are for Dovecot 2.3 and 2.4, here is {version()}"


def submission_is_missing() -> str | None:
    """The same for its submission server."""
    if reason := refuse():
        return reason
    if not Path("/usr/lib/dovecot/submission-login").exists():
        return "no submission server of Dovecot here (dovecot-submissiond)"
    return None


def configure(
    folder: Path,
    settings: str,
    accounts: dict[str, str],
    mechanisms: tuple[str, ...],
    certificate: Path | None = None,
    tokens: Tokens | None = None,
    dialogue: bool = False,
) -> Path:
    """Writes configuration and passwords into the folder. `settings` are those that are the same in all versions;
    with `dialogue` the log tells each command."""
    lines = [f"{user}:{{PLAIN}}{password}\n" for user, password in accounts.items()]
    (folder / "passwords").write_text("".join(lines))
    names = FORMS[form()]
    parts = [names["first"], COMMON, names["accounts"], names["clear"] if certificate is None else names["tls"]]
    if dialogue:
        parts.append(names["dialogue"])
    oauth2, with_token = "", ()
    if tokens is not None:
        with_token = tokens.MECHANISMS
        oauth2 = tokens.settings(folder, form())
        (folder / "oauth2").write_text(oauth2)
        parts.append(names["tokens"])
    text = "".join(parts).format(
        folder=folder,
        certificate=certificate,
        mechanisms=" ".join((*mechanisms, *with_token)),
        with_password=" ".join(mechanisms),
        with_token=" ".join(with_token),
        oauth2=oauth2,
    )
    file = folder / "dovecot.conf"
    file.write_text(text + settings)
    return file
