# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine shows to other machines: the user's own certificate, or one made here, known by its fingerprint."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ...common.errors import UserError
from ...common.files import write_privately
from ...common.home import Home
from ...protocol.certificates import fingerprint_of

FILE = "tls.pem"
"""Name of the file, in the engine's home folder, of the key and certificate that were made here."""
VALID_FOR = timedelta(days=3650)
"""Clients know it by its fingerprint: a short life would only have them ask their artists again."""


@dataclass(frozen=True)
class Identity:
    """A certificate and its key.

    Attributes:
        certificate, key: PEM files, which may be one.
        fingerprint: of the certificate.
    """

    certificate: Path
    key: Path
    fingerprint: str

    @classmethod
    def given(cls, certificate: Path, key: Path) -> Identity:
        """The user's own.

        Raises:
            UserError: a file cannot be read, or they do not belong together.
        """
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=no_password)
            first = x509.load_pem_x509_certificates(certificate.read_bytes())[0]
        except (OSError, ValueError) as error:
            raise UserError(
                f"{certificate} and {key} are not a certificate and its key without a password, as PEM; give those "
                "that belong together, or neither to have them made."
            ) from error
        return cls(certificate, key, fingerprint_of(first.public_bytes(Encoding.DER)))

    @classmethod
    def of_home(cls, home: Home) -> Identity:
        """The home's own, which is made when it is first asked for and then stays.

        Raises:
            UserError: its file is damaged.
        """
        file = home.folder / FILE
        if not file.exists():
            write_privately(file, made_here())
        try:
            return cls.given(file, file)
        except UserError:
            raise UserError(
                f"{file} is damaged; remove it to have another certificate made, which every client must accept anew."
            ) from None


def no_password() -> str:
    """Refuse keys with a password: OpenSSL would ask for it at the terminal."""
    raise ValueError("the key has a password")


def made_here() -> str:
    """Return a new key and a certificate that it has issued to itself, as PEM."""
    key, began = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC) - timedelta(days=1)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Semblance engine")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    if socket.gethostname().isascii():
        names.append(x509.DNSName(socket.gethostname()))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    return pem.decode("ascii")
