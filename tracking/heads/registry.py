# SPDX-License-Identifier: GPL-3.0-or-later
"""The heads that Semblance knows, by name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import UserError
from . import builtin, faceverse, faceverse_v2, faceverse_v4, flame, ict

if TYPE_CHECKING:
    from collections.abc import Callable

    from .head import MorphableHead


@dataclass(frozen=True)
class HeadKind:
    """A head that is the user's to bring.

    Attributes:
        title: how people call it.
        file: the usual name of its file or folder.
        licence, source: what its makers ask, and where they hand it out.
        load: reads it from its path.
    """

    title: str
    file: str
    licence: str
    source: str
    load: Callable[[Path], MorphableHead]


FACEVERSE_LICENCE = "BSD 2-Clause (LICENSE of its repository)"
FACEVERSE_SOURCE = "https://github.com/LizhenWangT/FaceVerse"
KINDS: dict[str, HeadKind] = {
    faceverse.NAME: HeadKind(
        "FaceVerse v3", "faceverse_v3_6_s.npy", FACEVERSE_LICENCE, FACEVERSE_SOURCE, faceverse.load_faceverse_v3
    ),
    faceverse_v2.NAME: HeadKind(
        "FaceVerse v2", "faceverse_simple_v2.npy", FACEVERSE_LICENCE, FACEVERSE_SOURCE, faceverse_v2.load_faceverse_v2
    ),
    faceverse_v2.SIMPLIFIED_NAME: HeadKind(
        "simplified FaceVerse v2",
        "faceverse_simple_v2.npy",
        FACEVERSE_LICENCE,
        FACEVERSE_SOURCE,
        partial(faceverse_v2.load_faceverse_v2, simplified=True),
    ),
    faceverse_v4.NAME: HeadKind(
        "FaceVerse v4",
        "faceverse_v4_2.npy",
        "LICENSE of its repository",
        "https://github.com/LizhenWangT/FaceVerse_v4",
        faceverse_v4.load_faceverse_v4,
    ),
    flame.NAME: HeadKind(
        "FLAME",
        "generic_model.pkl",
        "FLAME's own (Max Planck Society): research without commerce; the open edition of 2023 is CC BY 4.0",
        "https://flame.is.tue.mpg.de",
        flame.load_flame,
    ),
    ict.NAME: HeadKind("ICT-FaceKit", "FaceXModel", "MIT", "https://github.com/ICT-VGL/ICT-FaceKit", ict.load_ict),
}
"""The heads that do not come with Semblance."""
HEAD_NAMES: tuple[str, ...] = (builtin.NAME, *KINDS)


def open_head(name: str, path: str | Path | None = None) -> MorphableHead:
    """Return the head called `name`; one that does not come with Semblance is read from the user's file at `path`.

    Raises:
        UserError: there is no such head, or its file is missing, damaged or of another kind.
    """
    if name == builtin.NAME:
        return builtin.load_builtin()
    if name not in KINDS:
        raise UserError(f"There is no head called {name!r}; choose one of {', '.join(HEAD_NAMES)}.")
    if path is None:
        raise UserError(f"The head {name} needs its model file; choose the path of {KINDS[name].file}.")
    return KINDS[name].load(Path(path))


def model_file(name: str, path: Path) -> Path:
    """Return the one file by which a head's model is known; a folder of meshes is known by the neutral one.

    Raises:
        UserError: `path` is a folder without that mesh.
    """
    return ict.model_folder(path) / ict.NEUTRAL if name == ict.NAME and path.is_dir() else path
