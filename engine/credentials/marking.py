# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs films and pictures: a manifest inside the file says what `Statement` says."""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.files import written_whole
from ...common.progress import Listener, silent
from . import c2pa_library
from .left_out import note_left_out
from .signer import SigningKey, signing_key
from .statement import DRIVER, Statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from ...common.home import Home

MIME_TYPES = {".mp4": "video/mp4", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
"""What is signed, by its name's ending."""


@contextmanager
def marked(
    files: Mapping[Path, bool], statement: Statement, home: Home, reason: str | None = None, listener: Listener = silent
) -> Iterator[None]:
    """Sign what the body writes: `files` are films, or folders of frames, and whether filmed pictures are seen in them.

    What signs is looked at before the body begins, which may take hours; where there is none, it is made behind it.
    With a `reason` nothing is signed; it is noted in the home, by the files' contents, for `verify`.

    Raises:
        UserError: what is to sign cannot, the reason is blank, or the disk is full.
    """
    if reason is not None:
        if not reason.strip():
            raise UserError("Content Credentials are left out for a reason only; say it in words.")
        yield
        for path in files:
            note_left_out(home, path, reason)
        return
    if home.credentials.exists():
        usable_key(home.credentials)
    yield
    key = usable_key(home.credentials)
    for path, composite in files.items():
        mark(path, replace(statement, composite=composite), key, listener)


def mark(path: Path, statement: Statement, key: SigningKey, listener: Listener = silent) -> None:
    """Sign a film or picture, or every frame in a folder; each stays whole or as it was.

    Raises:
        UserError: a file is missing, damaged, of another kind, or signed already; or the disk is full.
    """
    every = sorted(path.glob("*.png")) if path.is_dir() else [path]
    clock = Clock("Signing", len(every), listener)
    for done, each in enumerate(every):
        mark_file(each, statement, key)
        clock.tell_finished(done + 1)


def mark_file(path: Path, statement: Statement, key: SigningKey) -> None:
    """Sign one film or picture; errors as in `mark`."""
    kind = MIME_TYPES.get(path.suffix.lower())
    if kind is None:
        raise UserError(f"{path} cannot be signed; Content Credentials go into .mp4, .png and .jpg files.")
    try:
        with path.open("rb") as source:
            if is_signed(source, kind):
                raise UserError(f"{path} carries Content Credentials already; they are left as they are.")
            with written_whole(path) as partial, partial.open("w+b") as target:
                sign(source, target, kind, statement, path.name, key)
    except FileNotFoundError:
        raise UserError(f"There is no file at {path} to sign.") from None
    except c2pa_library.Error as error:
        raise UserError(f"{path} could not be signed ({error}); is it whole?") from error


def sign(source: BinaryIO, target: BinaryIO, kind: str, statement: Statement, title: str, key: SigningKey) -> None:
    """Write `source`, of a MIME type, to `target` with a manifest inside."""
    driver = statement.driver
    as_ingredient = driver is not None and c2pa_library.can_read(driver)
    with c2pa_library.builder(statement.manifest(title, as_ingredient)) as builder:
        if driver is not None and as_ingredient:
            said = {"title": driver.name, "relationship": "inputTo", "label": DRIVER}
            with driver.open("rb") as file:
                builder.add_ingredient(said, c2pa_library.mime_type(driver), file)
        with c2pa_library.signer(key) as signer:
            builder.sign(signer, kind, source, target)


def is_signed(source: BinaryIO, kind: str) -> bool:
    """Tell whether a file, of a MIME type, carries a manifest; it is rewound."""
    try:
        with c2pa_library.reader(source, kind):
            return True
    except c2pa_library.NoManifest:
        return False
    finally:
        source.seek(0)


def usable_key(path: Path) -> SigningKey:
    """Return what signs, after seeing that what it signs can be read back.

    Raises:
        UserError: it cannot sign, as in `signing_key`, or C2PA does not accept its certificate.
    """
    key = signing_key(path)
    picture, signed = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(picture, "PNG")
    picture.seek(0)
    why = ""
    try:
        sign(picture, signed, MIME_TYPES[".png"], Statement(False, {}), "test", key)
        signed.seek(0)
        with c2pa_library.reader(signed, MIME_TYPES[".png"]) as read:
            why = "" if c2pa_library.is_valid(read) else ", ".join(c2pa_library.failures(read))
    except c2pa_library.Error as error:
        why = str(error)
    if why:
        raise UserError(
            f"Content Credentials cannot be signed with the certificate in {path} ({why}); "
            "put one there that C2PA accepts, or remove the file to have one made."
        )
    return key
