# SPDX-License-Identifier: GPL-3.0-or-later
"""What FaceVerse's model files of all versions have in common.

Facts of the formats: the FaceVerse, FaceVerse_v4 and StyleAvatar repositories, LizhenWangT.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ...common.errors import UserError
from .head import ARKIT_NAMES, MorphableHead

if TYPE_CHECKING:
    from pathlib import Path

    from .arrays import Booleans, Floats, Integers, Numbers
    from .expression_transfer import NativeExpressions
    from .mouth_light import MouthLight

Shapes = Mapping[str, tuple[int | str | None, ...]]
"""What a file must hold by key: "V" stands for its number of vertices, "3V" for three times that, `None` for any."""


@dataclass(frozen=True)
class FaceVerseHead(MorphableHead):
    """A FaceVerse head, with what its coefficient vectors need to be understood.

    Attributes:
        unit: metres in a unit of the translation of its coefficient vectors.
        native: how its expression columns make up ARKit's, where they are not ARKit's themselves.
    """

    unit: float = field(kw_only=True, default=0.1)
    native: NativeExpressions | None = field(kw_only=True, default=None)

    @cached_property
    def mouth_light(self) -> MouthLight | None:
        """None: the maps of published avatars show the mouth as light as the face."""
        return None


@dataclass(frozen=True)
class FaceVerseFile:
    """A version of the format.

    Attributes:
        title: how messages call it.
        usual_name: name of the file as it is handed out.
        shapes: what it must hold.
        indices: keys whose numbers are vertices.
    """

    title: str
    usual_name: str
    shapes: Shapes
    indices: tuple[str, ...]

    def check(self, model: Mapping[str, Any], path: Path) -> None:
        """Refuse a file whose keys, shapes or indices are others.

        Raises:
            UserError: with what is wrong.
        """
        unfit = f"{path} is not a {self.title} model"
        missing = [key for key in self.shapes if key not in model]
        if missing:
            raise UserError(f"{unfit}: it has no {missing[0]}; choose {self.usual_name}.")
        for key in self.shapes:
            if not isinstance(model[key], np.ndarray) or model[key].dtype.kind not in "fiub":
                raise UserError(f"{unfit}: its {key} is not an array; choose {self.usual_name}.")
        vertices = model["meanshape"].size // 3
        for key, shape in self.shapes.items():
            wanted = tuple(vertices if n == "V" else 3 * vertices if n == "3V" else n for n in shape)
            found = model[key].shape
            if len(found) != len(wanted) or any(w not in (None, f) for f, w in zip(found, wanted, strict=True)):
                raise UserError(f"{unfit}: its {key} has the shape {found}; choose {self.usual_name}.")
        indices_fit = all(
            model[key].min() >= 0 and model[key].max() < vertices for key in self.indices if model[key].size
        )
        finite = all(np.isfinite(model[key]).all() for key in self.shapes if model[key].dtype.kind == "f")
        if not indices_fit or not finite:
            raise damaged(path)


def damaged(path: Path) -> UserError:
    """Return what to say of a file whose numbers cannot be right."""
    return UserError(f"{path} is damaged: its numbers do not fit together; download it again.")


def rising_ends(ends: Iterable[Any], vertices: int, path: Path) -> list[int]:
    """Return the ends of a head's parts. Raises UserError unless they rise and the last is `vertices`."""
    checked = [int(end) for end in ends]
    if any(after <= before for before, after in pairwise([0, *checked])) or checked[-1] != vertices:
        raise damaged(path)
    return checked


def columns(base: Numbers) -> Floats:
    """Return `[K, V, 3]` of a basis stored as `[3V, K]` with the rows x, y, z, x, y, z, ..."""
    return np.ascontiguousarray(np.asarray(base, np.float32).T).reshape(base.shape[1], -1, 3)


def arkit_order(names: Iterable[Any], path: Path) -> list[int]:
    """Return for each of `ARKIT_NAMES` its column, by the file's own list of names.

    Raises:
        UserError: a name is missing.
    """
    place = {str(name): column for column, name in enumerate(names)}
    missing = [name for name in ARKIT_NAMES if name not in place]
    if missing:
        raise UserError(f"{path} has no expression named {missing[0]}; choose a FaceVerse file with ARKit's names.")
    if max(place[name] for name in ARKIT_NAMES) >= len(ARKIT_NAMES):
        raise damaged(path)
    return [place[name] for name in ARKIT_NAMES]


def run_of_vertices(vertices: int, start: int, stop: int) -> Booleans:
    """Return `[V]`: true from `start` to before `stop`."""
    run = np.zeros(vertices, bool)
    run[start:stop] = True
    return run


def outward(triangles: Integers, vertices: Floats) -> Integers:
    """Return the triangles `[T, 3]`, turned over when most of the surface's normals point inward."""
    first, second, third = (vertices[corner] for corner in triangles.T)
    volume = np.einsum("ta,ta->", first - vertices.mean(0), np.cross(second - first, third - first))
    return np.ascontiguousarray(triangles if volume >= 0 else triangles[:, ::-1])
