# SPDX-License-Identifier: LGPL-2.1-or-later
"""The headers compile in every way in which programs include them, without a warning.

usage: header_forms.py LANGUAGE STANDARD INCLUDE COMPILER...
"""

import itertools
import subprocess
import sys

import reference

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
ESMTP, AUTH = "#include <libesmtp.h>", "#include <auth-client.h>"
ORDERS = {"libesmtp": [ESMTP], "auth": [AUTH], "auth-libesmtp": [AUTH, ESMTP], "libesmtp-auth": [ESMTP, AUTH]}

DEPRECATED = [
    "smtp_set_application_data",
    "smtp_message_set_application_data",
    "smtp_recipient_set_application_data",
    "smtp_etrn_set_application_data",
]
TLS = ["smtp_starttls_set_ctx", "smtp_starttls_get_ctx"]

MACROS = """
int use (smtp_message_t message);
int use (smtp_message_t message)
{
  static char text[] = "Subject: x";
  int good = smtp_set_message_fp (message, text);
  if (good)
    good = smtp_set_message_str (message, text);
  return good ? smtp_set_message_str (message, text + 1) : 0;
}
"""


def guard(macro, wanted=True):
    return f"#if{'n' if wanted else ''}def {macro}\n#error {macro}\n#endif"


def declared(name):
    """Does not compile unless the function is declared."""
    return f"typedef char use_of_{name}[sizeof (&{name}) == sizeof (void (*)(void)) ? 1 : -1];"


def undeclared(name):
    """Does not compile if the function is declared, for it says that there is another thing."""
    return f"extern int {name};"


def source(language, order, tls, deprecated):
    """A translation unit, and what must and must not be declared in it."""
    lines = []
    if deprecated:
        lines.append("#define LIBESMTP_ENABLE_DEPRECATED_SYMBOLS 1")
    if tls:
        lines.append("#include <openssl/ssl.h>")
    lines += 2 * ORDERS[order]
    esmtp, auth = ESMTP in ORDERS[order], AUTH in ORDERS[order]
    lines += [guard("_libesmtp_h", esmtp), guard("_auth_client_h", auth)]
    facts = {name: esmtp and deprecated for name in DEPRECATED}
    facts.update({name: esmtp and tls for name in TLS})
    facts["smtp_auth_set_context"] = order == "auth-libesmtp"
    facts["smtp_start_session"] = esmtp
    facts["auth_response"] = auth
    if language == "c++":
        lines.append('extern "C" {')
    lines += [declared(name) if fact else undeclared(name) for name, fact in facts.items()]
    if esmtp:
        lines.append(MACROS)
    if language == "c++":
        lines.append("}")
    return "\n".join(lines) + "\n"


def main():
    language, standard, include, *compiler = sys.argv[1:]
    verdict = reference.Verdict(f"headers under {standard}")
    command = [*compiler, "-x", language, "-std=" + standard, *WARNINGS, "-I" + include, "-"]
    probe = [*compiler, "-x", language, "-std=" + standard, "-fsyntax-only", "-"]
    if subprocess.run(probe, input="int x;\n", text=True, stderr=subprocess.DEVNULL, timeout=30).returncode:
        reference.skip(f"the compiler does not know {standard}")
    for order, tls, deprecated in itertools.product(ORDERS, (False, True), (False, True)):
        text = source(language, order, tls, deprecated)
        result = subprocess.run(
            command, input=text, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30
        )
        form = f"{order}{', openssl before' if tls else ''}{', deprecated' if deprecated else ''}"
        if not verdict.check(result.returncode == 0, form):
            print(result.stdout)
    verdict.end()


main()
