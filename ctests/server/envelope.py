# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a server knows of the transaction under way, so that its defaults refuse what is out of order."""


class Envelope:
    def __init__(self):
        self.sender = False
        self.recipients = 0
        self.chunks = 0
        self.broken = False  # a chunk was refused: nothing but RSET helps (RFC 3030 §2)

    def objection(self, word):
        """The reply to a command that does not fit, or None."""
        if word == b"MAIL" and self.sender:
            return "503 nested MAIL", "5.5.1"
        if word in (b"RCPT", b"DATA", b"BDAT") and not self.sender:
            return "503 no MAIL", "5.5.1"
        if word in (b"DATA", b"BDAT") and not self.recipients:
            return "554 no valid recipients", "5.5.1"
        if word == b"BDAT" and self.broken:
            return "503 RSET first", "5.5.1"
        if word in (b"RCPT", b"DATA") and self.chunks:
            return "503 in the middle of BDAT", "5.5.1"
        return None

    def note(self, command, code):
        """Takes over what a reply did to the transaction."""
        words = command.upper().split()
        word = words[0] if words else b""
        accepted = 200 <= code < 300
        if word == b"MAIL" and accepted:
            self.sender = True
        elif word == b"RCPT" and accepted:
            self.recipients += 1
        elif word in (b"EHLO", b"HELO", b"RSET") and accepted:
            self.__init__()
        elif word == b"TEXT":
            self.__init__()
        elif word == b"BDAT":
            self.chunks += 1
            self.broken = self.broken or not accepted
            # The envelope stays after a refused one, as servers have it.
            if b"LAST" in words and accepted:
                self.__init__()
