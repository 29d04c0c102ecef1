# SPDX-License-Identifier: GPL-3.0-or-later
"""Who signs: a certificate made on this machine when one is first needed, or the artist's own.

Both lie in `credentials.pem` in the engine's home: the private key, the signing certificate, then those that issued it.
One file, so that key and certificate never part; to sign with their own, artists put theirs in its place.

A certificate made here says that a file has not been changed since this machine signed it, and no more: nobody vouches
for who that was, so other programs call it valid and not trusted. It names nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ...common.errors import UserError
from ...common.files import written_whole

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes, PrivateKeyTypes

LOCAL_ISSUER = "Semblance on this machine"
"""The organisation in certificates that are made here."""
VALID_FOR = timedelta(days=30 * 365)
"""A film is signed without the time stamp of a service, which would need the network: when its certificate ends, the
film's credentials count as broken."""
CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
"""C2PA's names of the algorithms for keys on a curve."""


@dataclass(frozen=True)
class SigningKey:
    """What signs.

    Attributes:
        chain: PEM of the signing certificate and those that issued it; key: PEM of its private key.
        algorithm: C2PA's name of it: es256, es384, es512, ed25519, ps256.
    """

    chain: bytes
    key: bytes
    algorithm: str


def signing_key(path: Path) -> SigningKey:
    """Read what signs from the file `path`, after making it where there is none.

    Raises:
        UserError: the file holds no such key and certificate, they do not belong together, or it is out of date.
    """
    if not path.exists():
        with written_whole(path) as partial:
            partial.touch(mode=0o600)
            partial.write_bytes(made_here())
    try:
        text = path.read_bytes()
        key, certificates = load_pem_private_key(text, None), x509.load_pem_x509_certificates(text)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); it holds the key that signs pictures.") from error
    except (ValueError, TypeError) as error:
        raise UserError(
            f"{path} does not hold a private key without a password and its certificates, as PEM; "
            "mend it, or remove it to have one made."
        ) from error
    if certificates[0].public_key() != key.public_key():
        raise UserError(f"The first certificate in {path} is of another key; put the key's own certificate first.")
    if certificates[0].not_valid_after_utc < datetime.now(UTC):
        raise UserError(f"The certificate in {path} is out of date; put a newer one there, or remove the file.")
    chain = b"".join(each.public_bytes(Encoding.PEM) for each in certificates)
    return SigningKey(chain, private_pem(key), algorithm_of(key, path))


def algorithm_of(key: PrivateKeyTypes, path: Path) -> str:
    """C2PA's name of the algorithm for a key, which was read from `path`.

    Raises:
        UserError: C2PA knows none for it.
    """
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in CURVES:
        return CURVES[key.curve.name]
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= 2048:
        return "ps256"
    raise UserError(
        f"The key in {path} is none that Content Credentials are signed with; use one on the curve P-256, P-384 or "
        "P-521, Ed25519, or RSA of 2048 bits or more."
    )


def made_here() -> bytes:
    """Return a new key, its certificate, and the certificate that issued it, as PEM.

    C2PA refuses certificates that issue themselves; the issuer's key is thrown away, so that it issues no other.
    """
    issuer_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = certificate("issuer", issuer_key.public_key(), issuer_key)
    return private_pem(key) + certificate("signer", key.public_key(), issuer_key) + issuer


def certificate(name: str, holder: CertificatePublicKeyTypes, issuer: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the PEM of a certificate of `holder`, called `name`, that the key `issuer` has signed.

    That of the issuer itself may issue others and sign nothing else; any other is for signing only.
    """
    issues = holder == issuer.public_key()
    began = datetime.now(UTC) - timedelta(hours=1)  # clocks differ
    made = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(named("issuer"))
        .public_key(holder)
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(began + VALID_FOR)
        .add_extension(x509.BasicConstraints(issues, 0 if issues else None), critical=True)
        .add_extension(usage(issues), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(holder), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)
    )
    if not issues:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True)
    return made.sign(issuer, hashes.SHA256()).public_bytes(Encoding.PEM)


def usage(issues: bool) -> x509.KeyUsage:
    """What a certificate's key may do: issue certificates, or else sign."""
    return x509.KeyUsage(
        digital_signature=not issues,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=issues,
        crl_sign=issues,
        encipher_only=False,
        decipher_only=False,
    )


def named(name: str) -> x509.Name:
    """The name of who holds a certificate made here; it tells nothing of the user."""
    organisation = x509.NameAttribute(NameOID.ORGANIZATION_NAME, LOCAL_ISSUER)
    return x509.Name([organisation, x509.NameAttribute(NameOID.COMMON_NAME, f"Semblance {name}")])


def private_pem(key: PrivateKeyTypes) -> bytes:
    """A private key as PEM, without a password."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
