# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server's side of TLS."""

import contextlib
import socket
import ssl

VERSIONS = {"1.0": ssl.TLSVersion.TLSv1, "1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def context(words, certificates):
    """`tls CERTIFICATE [1.0 | 1.2 | 1.3] [tickets] [tells-name] [wants-client | insists-on-client] [ciphers=LIST]`"""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Pythons differ in what they set: an end without a word from TLS is to be seen.
    made.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    for word in words:
        if word in VERSIONS:
            made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            made.minimum_version = made.maximum_version = VERSIONS[word]
            if word == "1.0":
                made.set_ciphers("ALL:@SECLEVEL=0")
        elif word in ("wants-client", "insists-on-client"):
            made.load_verify_locations(certificates.path("ca"))
            made.verify_mode = ssl.CERT_OPTIONAL if word == "wants-client" else ssl.CERT_REQUIRED
        elif word.startswith("ciphers="):
            made.set_ciphers(word.removeprefix("ciphers="))
    # Tickets are data that the client did not ask for; a test has them only if it is about them.
    made.num_tickets = 2 if "tickets" in words else 0
    if words[0] != "none":
        made.load_cert_chain(certificates.path(words[0]))
    return made


def secured(sock, words, certificates, remarks):
    """The socket with TLS, or None if there is no agreement."""
    asked = []
    made = context(words, certificates)
    made.sni_callback = lambda _socket, name, _context: asked.append(name)
    try:
        inside = made.wrap_socket(sock, server_side=True, suppress_ragged_eofs=False)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        remarks.append(f"no TLS: {reason}")
        return None
    subject = (inside.getpeercert() or {}).get("subject", ())
    client = [value for names in subject for _, value in names]
    remarks.append(inside.version())
    if "tells-name" in words:
        remarks.append(f"asked for {asked[0]}")
    if client:
        remarks.append(f"client {client[0]}")
    return inside


def reason(error):
    """What TLS says of a connection's end."""
    return f" ({error.reason})" if isinstance(error, ssl.SSLError) and error.reason else ""


def is_ragged(error):
    """The end of the connection without a word from TLS."""
    return isinstance(error, ssl.SSLEOFError)


def end(sock):
    """Says that nothing more comes, as TLS wants it; reading goes on."""
    limit = sock.gettimeout()
    with contextlib.suppress(ssl.SSLError, OSError, ValueError):
        sock.setblocking(False)
        sock.unwrap()
    sock.settimeout(limit)


def close_writing(sock):
    """Ends what we send without a word from TLS, and leaves the other direction alone."""
    socket.socket.shutdown(sock, socket.SHUT_WR)
