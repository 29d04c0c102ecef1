# SPDX-License-Identifier: GPL-3.0-or-later
"""FaceVerse v3 (`faceverse_v3_6_s.npy`): the head of both papers, from the user's own file.

Facts of the format: FaceVerse and StyleAvatar repositories, LizhenWangT. A file's unit is a millimetre, x to the
subject's left, y up, z out of the face; triangles are counter-clockwise seen from outside.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...common.errors import UserError
from .head import ARKIT_NAMES, Eyeball, Floats, MorphableHead
from .unpickling import load_array_dict

NAME = "faceverse-v3"
TO_HEAD_SPACE = np.array([1, -1, -1], np.float32) * np.float32(0.001)
"""Millimetres, y up, z out of the face -> metres, y down, z into the head. A half turn: triangles keep their sense."""

EYEBALL_SHIFT = 0.001
"""What the original adds to all three coordinates of the eyeballs (0.01 of its units of 0.1 m), not mirrored."""

EYEBALL_PIVOT = (0.0, 0.0, 0.0005)
"""From the mean of an eyeball's vertices to its centre of rotation (0.005 units deeper)."""

PARSING_REGIONS = {
    (255, 200, 150): "skin",
    (220, 40, 60): "lips",
    (120, 0, 0): "mouth",
    (255, 255, 255): "eyes",
    (90, 50, 20): "brows",
    (200, 120, 200): "ears",
    (120, 160, 220): "neck",
}
"""Colours of `parsing`; colours that are not here form no region."""


def load_faceverse_v3(path: str | Path) -> MorphableHead:
    """Read a FaceVerse v3 model file: 150 identity, 52 expression and 251 texture columns.

    The vertices of the eyeballs follow those of the face, the left one first.

    Raises:
        UserError: the file is absent, damaged, of another version, or holds anything but arrays.
    """
    path = Path(path)
    model = load_array_dict(path)
    check(model, path)
    face_end, left_end, right_end = (int(end) for end in model["ver_inds"])
    eyes = slice(face_end, right_end)

    mean = np.asarray(model["meanshape"], np.float32) * TO_HEAD_SPACE
    mean[eyes] += np.float32(EYEBALL_SHIFT)
    uvtex = np.asarray(model["uvtex"], np.float32) / 255
    uv_mask = (uvtex[:, 2] > 0.5) & (np.asarray(model["face_mask"]) > 0.5)
    uv_mask[eyes] = uvtex[eyes, 2] > 0.5
    regions = parsing_regions(model["parsing"])
    regions["eyes"] = np.zeros(len(mean), bool)
    regions["eyes"][eyes] = True
    return MorphableHead(
        name=NAME,
        mean=mean,
        identity_basis=columns(model["idBase"]) * TO_HEAD_SPACE,
        expression_basis=columns(model["exBase_52"])[arkit_order(model["exp_name_list_52"], path)] * TO_HEAD_SPACE,
        texture_mean=np.asarray(model["meantex"], np.float32).reshape(-1, 3) / 255,
        texture_basis=columns(model["texBase"]) / np.float32(255),
        triangles=np.ascontiguousarray(model["tri"], np.int32),
        uvs=np.ascontiguousarray(uvtex[:, :2]),
        uv_mask=uv_mask.astype(np.float32),
        landmarks=np.asarray(model["mediapipe_keypoints"], np.int32).reshape(478),
        eyeballs=(Eyeball(face_end, left_end, EYEBALL_PIVOT), Eyeball(left_end, right_end, EYEBALL_PIVOT)),
        regions=regions,
    )


def columns(base: np.ndarray) -> Floats:
    """Return `[K, V, 3]` of a basis stored as `[3V, K]` with the rows x, y, z, x, y, z, ..."""
    return np.ascontiguousarray(np.asarray(base, np.float32).T).reshape(base.shape[1], -1, 3)


def parsing_regions(parsing: np.ndarray) -> dict[str, np.ndarray]:
    """Return the regions whose colours `parsing [V, 3]` (0 to 255) shows."""
    colours = np.asarray(parsing).round().astype(int)
    regions = {name: (colours == colour).all(1) for colour, name in PARSING_REGIONS.items()}
    return {name: region for name, region in regions.items() if region.any()}


def arkit_order(names: Any, path: Path) -> list[int]:
    """Return for each of `ARKIT_NAMES` its column, by the file's own list of names.

    Raises:
        UserError: a name is missing.
    """
    place = {str(name): column for column, name in enumerate(names)}
    missing = [name for name in ARKIT_NAMES if name not in place]
    if missing:
        raise UserError(f"{path} has no expression named {missing[0]}; choose a FaceVerse v3 file with ARKit's names.")
    return [place[name] for name in ARKIT_NAMES]


def check(model: dict[str, Any], path: Path) -> None:
    """Refuse a file whose keys, shapes or indices are not those of FaceVerse v3.

    Raises:
        UserError: with what is wrong.
    """
    missing = [key for key in (*SHAPES, "exp_name_list_52") if key not in model]
    if missing:
        raise UserError(f"{path} is not a FaceVerse v3 model: it has no {missing[0]}; choose faceverse_v3_6_s.npy.")
    for key in SHAPES:
        if not isinstance(model[key], np.ndarray) or model[key].dtype.kind not in "fiu":
            raise UserError(f"{path} is not a FaceVerse v3 model: its {key} is no array; choose faceverse_v3_6_s.npy.")
    vertices = len(model["meanshape"])
    for key, shape in SHAPES.items():
        wanted = tuple(vertices if n == "V" else 3 * vertices if n == "3V" else n for n in shape)
        found = model[key].shape
        if len(found) != len(wanted) or any(w not in (None, f) for f, w in zip(found, wanted, strict=True)):
            raise UserError(
                f"{path} is not a FaceVerse v3 model: its {key} has the shape {found}; choose faceverse_v3_6_s.npy."
            )
    ends = [0, *(int(end) for end in model["ver_inds"])]
    indices_fit = all(
        model[key].min() >= 0 and model[key].max() < vertices
        for key in ("tri", "mediapipe_keypoints")
        if model[key].size
    )
    finite = all(np.isfinite(model[key]).all() for key in SHAPES if model[key].dtype.kind == "f")
    if not indices_fit or not finite or any(b <= a for a, b in pairwise(ends)) or ends[-1] != vertices:
        raise UserError(f"{path} is damaged: its numbers do not fit together; download it again.")


SHAPES: dict[str, tuple[int | str | None, ...]] = {
    "meanshape": ("V", 3),
    "meantex": ("3V",),
    "idBase": ("3V", 150),
    "exBase_52": ("3V", 52),
    "texBase": ("3V", 251),
    "tri": (None, 3),
    "mediapipe_keypoints": (478,),
    "ver_inds": (3,),
    "uvtex": ("V", 3),
    "face_mask": ("V",),
    "parsing": ("V", 3),
}
"""What a v3 file must hold: V vertices, `None` any number. Other files called v3 differ in keys, shapes and scale."""
