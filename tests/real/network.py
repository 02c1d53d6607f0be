# SPDX-License-Identifier: LGPL-2.1-or-later
"""A network of the test's own, in which it may listen on port 465: from nothing but the port does
the client know that TLS begins with the first byte."""

import ctypes
import fcntl
import socket
import struct

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1


def enter_own_network() -> bool:
    """Puts this process and what it starts from now on into a network that has loopback only.
    False if the machine does not allow that; then nothing has changed."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        # struct ifreq: name, flags, and room for the larger members of its union.
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
    return True
