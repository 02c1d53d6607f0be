# SPDX-License-Identifier: LGPL-2.1-or-later
"""SASL exchanges in which the server has to compute: SCRAM (RFC 5802, 7677)."""

import base64
import binascii
import hashlib
import hmac

SALT = b"saltsalt"
ITERATIONS = 4096


class Scram:
    """`exchange scram SHA-256 PASSWORD [fault]`: what a server does that knows the password, or does not."""

    def __init__(self, sock, digest, password, *faults):
        self.sock = sock
        self.digest = digest.replace("-", "").lower()
        self.password = password.encode()
        self.faults = faults
        self.step = self.first

    def mac(self, key, data):
        return hmac.new(key, data, self.digest).digest()

    def answer(self, line):
        """The next reply, without its line end, to what the client sent in base64."""
        if line == b"*":
            return "501 5.7.0 cancelled"
        try:
            message = base64.b64decode(line, validate=True).decode()
            return self.step(message)
        except (binascii.Error, ValueError, KeyError) as error:
            return f"501 5.5.2 {type(error).__name__}"

    def first(self, message):
        """client-first: GS2 header, then the attributes."""
        binding, identity, self.bare = message.split(",", 2)
        self.header = f"{binding},{identity},"
        fields = dict(part.split("=", 1) for part in self.bare.split(","))
        nonce = ("" if "foreign-nonce" in self.faults else fields["r"]) + "SERVER"
        self.iterations = 1 if "one-iteration" in self.faults else ITERATIONS
        if "mandatory-extension" in self.faults:
            self.challenge = f"m=ext,r={nonce},s=c2FsdHNhbHQ=,i={self.iterations}"
        elif "no-salt" in self.faults:
            self.challenge = f"r={nonce},i={self.iterations}"
        elif "huge-iterations" in self.faults:
            self.challenge = f"r={nonce},s=c2FsdHNhbHQ=,i=4000000000"
        else:
            self.challenge = f"r={nonce},s={base64.b64encode(SALT).decode()},i={self.iterations}"
        self.nonce = nonce
        self.step = self.final
        return self.say(self.challenge)

    def final(self, message):
        """client-final: the proof shows the password, the signature in the answer ours."""
        without_proof, proof = message.rsplit(",p=", 1)
        fields = dict(part.split("=", 1) for part in without_proof.split(","))
        bound = base64.b64decode(fields["c"])
        if fields["r"] != self.nonce or not self.is_bound(bound):
            return "535 5.7.8 out of step"
        salted = hashlib.pbkdf2_hmac(self.digest, self.password, SALT, self.iterations)
        key = self.mac(salted, b"Client Key")
        stored = hashlib.new(self.digest, key).digest()
        signed = f"{self.bare},{self.challenge},{without_proof}".encode()
        expected = bytes(a ^ b for a, b in zip(key, self.mac(stored, signed)))
        if "error" in self.faults:
            return self.say("e=invalid-proof")
        if not hmac.compare_digest(expected, base64.b64decode(proof)):
            return "535 5.7.8 wrong password"
        signature = self.mac(self.mac(salted, b"Server Key"), signed)
        if "wrong-signature" in self.faults:
            signature = bytes(len(signature))
        self.step = lambda message: "235 2.7.0 welcome" if message == "" else "535 5.7.8 not empty"
        if "no-signature" in self.faults:
            return "235 2.7.0 welcome"
        if "signature-in-success" in self.faults:
            return "235 2.7.0 v=" + base64.b64encode(signature).decode()
        return self.say("v=" + base64.b64encode(signature).decode())

    def is_bound(self, data):
        """Whether the client sees the TLS connection that we see (RFC 5929, 9266)."""
        header = self.header.encode()
        if not data.startswith(header):
            return False
        binding = data[len(header) :]
        if header.startswith(b"p=tls-unique,"):
            return binding == self.sock.get_channel_binding("tls-unique")
        if header.startswith(b"p=tls-exporter,"):
            return len(binding) == 32  # Python's ssl cannot compute it
        return not header.startswith(b"p=") and not binding

    @staticmethod
    def say(message):
        return "334 " + base64.b64encode(message.encode()).decode()


def exchange(words, sock):
    if words[0] != "scram":
        raise ValueError(f"no such exchange: {words[0]}")
    return Scram(sock, *words[1:])
