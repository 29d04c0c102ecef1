# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a secure connection trusts: a certificate that the system trusts, or one that the artist has accepted before,
known by its fingerprint, as ssh knows hosts.
"""

from __future__ import annotations

import hashlib
import ssl
from functools import cache


class OtherCertificate(OSError):
    """A host shows another certificate than the one that was accepted, or one that nobody has accepted yet.

    Attributes:
        found: its fingerprint.
    """

    def __init__(self, found: str) -> None:
        super().__init__("another certificate")
        self.found = found


def fingerprint_of(certificate: bytes) -> str:
    """The SHA-256 of a certificate (DER) as people compare it: pairs of hexadecimal digits.

    >>> fingerprint_of(b"")[:11]
    'E3:B0:C4:42'
    """
    digits = hashlib.sha256(certificate).hexdigest().upper()
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))


@cache
def verifying() -> ssl.SSLContext:
    """What checks a certificate as browsers do."""
    return ssl.create_default_context()


@cache
def accepting() -> ssl.SSLContext:
    """What takes any certificate: who connects must compare its fingerprint before sending anything."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
