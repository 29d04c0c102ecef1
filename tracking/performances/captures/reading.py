# SPDX-License-Identifier: GPL-3.0-or-later
"""The one door for performances: any file that tells of a head over time is read and written here."""

from __future__ import annotations

from pathlib import Path

from ....common.errors import UserError
from ...heads.builtin import load_builtin
from ...heads.head import MorphableHead
from ..faceverse_coefficients import read_coefficients, write_coefficients
from ..performance import Performance
from ..resampling import with_gaps_filled
from .arkit_json import read_arkit_json, write_arkit_json
from .capture import Capture, performed
from .kinds import SUFFIXES, Kind
from .live_link import is_live_link, read_live_link, write_live_link
from .plain_csv import read_plain_csv, write_plain_csv
from .tables import read_table


def read_performance(path: str | Path, head: MorphableHead | None = None) -> Performance:
    """Read a performance of any kind, recognised by its contents.

    A capture without a person becomes a performance of the average person of `head` (the built-in one when None);
    FaceVerse's coefficients need their own head.
    Frames that Live Link Face or ARKit dropped are found by their times and interpolated, with confidence 0.
    `extra["notes"]` has a sentence on each thing that the file lacks.

    Raises:
        UserError: the file is absent, damaged or no performance; the sentence names the line or frame.
    """
    path = Path(path)
    kind = kind_of(path)
    if kind is Kind.NPZ:
        return Performance.load(path)
    head = head or load_builtin()
    if kind is Kind.FACEVERSE:
        return read_coefficients(path, head)
    if kind is Kind.ARKIT:
        return without_gaps(read_arkit_json(path), head)
    table = read_table(path)
    if is_live_link(table):
        return without_gaps(read_live_link(table), head)
    return performed(read_plain_csv(table), head)


def write_performance(
    performance: Performance, path: str | Path, kind: Kind | None = None, head: MorphableHead | None = None
) -> None:
    """Write a performance whole or not at all; its kind follows from the name when it is not given.

    `head` is the performance's own; only FaceVerse's coefficients need it.

    Raises:
        UserError: the name tells of no kind, the head has no coefficient vectors, or the disk is full.
    """
    path = Path(path)
    kind = kind or SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise UserError(f"The name of {path} does not say what to write; end it in {', '.join(SUFFIXES)}.")
    if kind is Kind.FACEVERSE:
        write_coefficients(performance, head or load_builtin(), path)
    else:
        WRITERS[kind](performance, path)


WRITERS = {
    Kind.NPZ: Performance.save,
    Kind.LIVE_LINK: write_live_link,
    Kind.ARKIT: write_arkit_json,
    Kind.CSV: write_plain_csv,
}


def kind_of(path: Path) -> Kind:
    """The kind of a file by its first bytes; `CSV` stands for every table."""
    if not path.is_file():
        raise UserError(f"There is no performance file at {path}.")
    with open(path, "rb") as file:
        start = file.read(4096)
    if start.startswith(b"PK") or path.suffix.lower() == ".npz":
        return Kind.NPZ
    if start.startswith(b"\x93NUMPY"):
        return Kind.FACEVERSE
    letters = start.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return Kind.ARKIT if letters[:1] in (b"{", b"[") else Kind.CSV


def without_gaps(capture: Capture, head: MorphableHead) -> Performance:
    """A capture as a performance with its dropped frames filled, and a note on them."""
    performance = performed(capture, head)
    whole = with_gaps_filled(performance)
    if added := len(whole) - len(performance):
        whole.extra["notes"] = [*whole.extra.get("notes", []), f"{added} dropped frames are interpolated."]
    return whole
