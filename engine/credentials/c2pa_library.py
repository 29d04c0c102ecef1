# SPDX-License-Identifier: GPL-3.0-or-later
"""The little that is used of c2pa-python: it reads and writes files here and never asks the network."""

from __future__ import annotations

from functools import cache
from mimetypes import guess_type
from typing import TYPE_CHECKING, Any

import c2pa

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from .signer import SigningKey

Error = c2pa.C2paError
NoManifest = c2pa.C2paError.ManifestNotFound
SETTINGS = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}
UNTRUSTED = "signingCredential.untrusted"
"""What is said of a certificate that no list of trust names; it alone does not make a manifest invalid."""


@cache
def context() -> c2pa.Context:
    """What all reading and writing is done with."""
    return c2pa.Context(c2pa.Settings.from_dict(SETTINGS))


def builder(manifest: dict[str, Any]) -> c2pa.Builder:
    """What makes a manifest; to be closed."""
    return c2pa.Builder(manifest, context())


def signer(key: SigningKey) -> c2pa.Signer:
    """What signs a manifest, without a time stamp, which a service would have to give; to be closed.

    Raises:
        Error: the certificate is none that C2PA accepts.
    """
    return c2pa.Signer.from_info(c2pa.C2paSignerInfo(key.algorithm.encode(), key.chain, key.key, None))


def reader(file: BinaryIO, kind: str) -> c2pa.Reader:
    """The manifests in a file of a MIME type, checked; to be closed.

    Raises:
        NoManifest: there is none. Error: the file is damaged, or of a type that is not known.
    """
    return c2pa.Reader(kind, file, context=context())


def mime_type(path: Path) -> str:
    """The MIME type that a file's name tells; empty where it tells none that can be read."""
    kind = guess_type(path.name)[0] or ""
    return kind if kind in c2pa.Reader.get_supported_mime_types() else ""


def can_read(path: Path) -> bool:
    """Tell whether a file is whole enough to be noted as an ingredient."""
    kind = mime_type(path)
    try:
        if kind:
            with path.open("rb") as file, reader(file, kind):
                return True
    except NoManifest:
        return True
    except Error:
        return False
    return False


def failures(read: c2pa.Reader) -> list[str]:
    """C2PA's codes of what is wrong with the newest manifest in a file, other than that nobody vouches for it."""
    found = (read.get_validation_results() or {}).get("activeManifest", {}).get("failure", [])
    return [each["code"] for each in found if each["code"] != UNTRUSTED]


def is_valid(read: c2pa.Reader) -> bool:
    """Tell whether nothing was changed since the newest manifest was signed."""
    return read.get_validation_state() in ("Valid", "Trusted")


def is_trusted(read: c2pa.Reader) -> bool:
    """Tell whether, besides, a list of trust names who signed."""
    return bool(read.get_validation_state() == "Trusted")
