# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an engine listens, and what may be its token. Standard library only."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from ..common.errors import UserError
from .messages import Announcement

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Names of this machine, to which a connection need not be secure."""


@dataclass(frozen=True)
class Address:
    """Where an engine listens.

    Attributes:
        host, port, token: of the engine.
        secure: it speaks TLS.
        fingerprint: of the certificate that it must show; empty for one that this system trusts.

    Raises:
        UserError: the token is none, for instance because it was copied from a text that made it pretty.
    """

    host: str
    port: int
    token: str
    secure: bool = False
    fingerprint: str = ""

    def __post_init__(self) -> None:
        if not is_token(self.token):
            raise UserError(
                "The engine's token holds characters that no token has; copy it anew from engine.json in its home."
            )

    @property
    def place(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    @classmethod
    def announced(cls, announcement: Announcement) -> Address:
        """The address of an engine on this machine."""
        said = announcement
        return cls(said.host, said.port, said.token, bool(said.fingerprint), said.fingerprint)

    @classmethod
    def of_url(cls, url: str, token: str, fingerprint: str = "") -> Address:
        """The address of a remote engine.

        Raises:
            UserError: the URL is none, or would have the token sent unprotected to another machine.
        """
        with suppress(ValueError):
            parts = urlsplit(url.strip())
            if parts.scheme in ("http", "https") and parts.hostname:
                secure = parts.scheme == "https"
                port = parts.port or (443 if secure else 80)
                if not secure and parts.hostname not in LOOPBACK:
                    raise UserError(
                        f"{url.strip()} would send the token and your pictures unprotected; write https://, which "
                        "every engine speaks that listens beyond its own machine."
                    )
                parts.hostname.encode("idna")
                return cls(parts.hostname, port, token.strip(), secure, fingerprint)
        raise UserError(f"{url!r} is no address of an engine; write it like https://192.168.1.20:8765.")


def is_token(text: str) -> bool:
    """Tell whether a text can be a token; the empty one stands for none."""
    return re.fullmatch(r"[!-~]*", text) is not None
