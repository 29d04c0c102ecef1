# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads back, in words, what a file says of how it was made; the file may come from anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...common.errors import UserError
from ...neural.avatar_file import read_metadata
from . import c2pa_library
from .left_out import why_left_out
from .signer import LOCAL_ISSUER
from .statement import COMPOSITE, PROVENANCE, SYNTHETIC

if TYPE_CHECKING:
    from pathlib import Path

    from ...common.home import Home

AVATAR_SUFFIX = ".safetensors"
HOW_MADE = {
    SYNTHETIC: "by a trained model (synthetic)",
    COMPOSITE: "by a trained model (synthetic), together with filmed pictures",
}
MOST_LETTERS = 500
"""Of one value that is shown."""


class Changed(UserError):
    """A file was changed since it was signed."""


class NothingSaid(UserError):
    """A file carries nothing that says how it was made."""


def described(path: Path, home: Home) -> list[str]:
    """Return lines on what a film, a picture or an avatar says of itself, after checking that it was not changed.

    Raises:
        Changed: the file was changed.
        NothingSaid: it carries nothing.
        UserError: it is missing or of a kind that cannot be read.
    """
    if path.suffix == AVATAR_SUFFIX:
        said = read_metadata(path)
        kept = {"name": path.name, "kind": said.kind, **said.provenance.model_dump(mode="json")}
        return [f"{path.name} is an avatar; it is not signed, and says of itself:", *of_avatar(kept)]
    return of_signed(path, home)


def of_signed(path: Path, home: Home) -> list[str]:
    """The lines on a film or picture; errors as in `described`."""
    kind = c2pa_library.mime_type(path)
    if not kind:
        raise UserError(f"{path} is no film or picture that can carry Content Credentials; choose another file.")
    try:
        with path.open("rb") as file, c2pa_library.reader(file, kind) as read:
            if not c2pa_library.is_valid(read):
                codes = ", ".join(c2pa_library.failures(read))
                raise Changed(
                    f"{path} was changed since it was signed: its Content Credentials are broken ({codes}); "
                    "ask whoever made it for the original."
                )
            return of_manifest(path.name, read.get_active_manifest() or {}, c2pa_library.is_trusted(read))
    except FileNotFoundError:
        raise UserError(f"There is no file at {path}.") from None
    except c2pa_library.NoManifest:
        raise NothingSaid(f"{path} carries no Content Credentials{left_out(path, home)}.") from None
    except c2pa_library.Error as error:
        raise UserError(f"{path} cannot be read ({shown(error)}); its Content Credentials are broken.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); choose another file.") from error


def left_out(path: Path, home: Home) -> str:
    """What follows where a file carries none: why, where that was noted, or what that means."""
    reason = why_left_out(home, path)
    return f"; they were left out here, because: {shown(reason)}" if reason else "; nothing says how it was made"


def of_manifest(name: str, manifest: dict[str, Any], trusted: bool) -> list[str]:
    """The lines on a manifest that is valid."""
    data = {each.get("label", ""): each.get("data") for each in manifest.get("assertions", [])}
    own = data.get(PROVENANCE)
    own = own if isinstance(own, dict) else {}
    lines = [
        f"{name} was not changed since it was signed: its Content Credentials are valid.",
        line("Signed by", signed_by(manifest.get("signature_info") or {}, trusted)),
        line("Made with", makers(manifest)),
        line("Made", how_made(data)),
    ]
    if isinstance(own.get("avatar"), dict):
        lines += of_avatar(own["avatar"])
    if isinstance(own.get("driver"), dict):
        lines.append(line("Driven by", file_named(own["driver"], "name", "sha256")))
    return list(filter(None, lines))


def of_avatar(said: dict[str, Any]) -> list[str]:
    """The lines on an avatar's provenance, as `Statement.provenance` has it."""
    lines = [
        line("Avatar", file_named(said, "name", "sha256")),
        line("Kind", said.get("kind")),
        line("Built", said.get("date")),
        line("Footage", file_named(said, "source", "footage_sha256")),
        line("Consent", consent(said)),
    ]
    without = said.get("fallbacks")
    lines += [line("Note", each) for each in without] if isinstance(without, list) else []
    return list(filter(None, lines))


def consent(said: dict[str, Any]) -> str:
    """A record of consent in words."""
    if not said.get("consent"):
        return "none is recorded"
    parts = [f"“{said['consent']}”"]
    for word, key in (("stated by", "consent_by"), ("for", "consent_for"), ("on", "consent_date")):
        if said.get(key):
            parts.append(f"{word} {said[key]}")
    return ", ".join(parts)


def signed_by(signature: dict[str, Any], trusted: bool) -> str:
    """Who signed, and what that is worth."""
    issuer = signature.get("issuer") or "somebody unnamed"
    if trusted:
        return f"{issuer}; the certificate is on a list of trust"
    own = "; the certificate was made by Semblance itself" if issuer == LOCAL_ISSUER else ""
    return f"{issuer}{own}; it is valid and not from a list of trust: nobody vouches for who signed"


def makers(manifest: dict[str, Any]) -> str:
    """The programs that the manifest names as its makers."""
    named = [each for each in manifest.get("claim_generator_info") or [] if isinstance(each, dict)]
    return ", ".join(f"{each.get('name', '')} {each.get('version', '')}".strip() for each in named)


def how_made(data: dict[str, Any]) -> str:
    """What kind of source the first action that names one tells of."""
    actions = [each for label, each in data.items() if label.startswith("c2pa.actions") and isinstance(each, dict)]
    for action in (one for each in actions for one in each.get("actions", []) if isinstance(one, dict)):
        if source := str(action.get("digitalSourceType", "")):
            return HOW_MADE.get(source, source.rpartition("/")[2])
    return ""


def file_named(said: dict[str, Any], name: str, sha256: str) -> str:
    """A file's name and, where it is known, its hash."""
    return f"{said.get(name) or 'unnamed'}" + (f" (SHA-256 {said[sha256]})" if said.get(sha256) else "")


def line(name: str, value: object) -> str:
    """A line of what is found; empty where nothing is."""
    return f"  {name}: {shown(value)}" if value else ""


def shown(value: object) -> str:
    """A stranger's text as a terminal may show it: on one line, of bounded length, with nothing that steers it."""
    text = "".join(each if each.isprintable() else " " for each in str(value))
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"
