# SPDX-License-Identifier: GPL-3.0-or-later
"""FaceVerse v3 (`faceverse_v3_6_s.npy`): the head of both papers, from the user's own file.

Facts of the format: FaceVerse and StyleAvatar repositories, LizhenWangT. A file's unit is a millimetre, x to the
subject's left, y up, z out of the face; triangles are counter-clockwise seen from outside.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .expression_transfer import reordered
from .faceverse_file import FaceVerseFile, FaceVerseHead, arkit_order, columns, damaged, rising_ends, run_of_vertices
from .faceverse_v3_older import FILE as OLDER_FILE
from .faceverse_v3_older import is_older, modernised
from .head import Eyeball
from .unpickling import load_array_dict

if TYPE_CHECKING:
    from .arrays import Numbers

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


def load_faceverse_v3(path: str | Path) -> FaceVerseHead:
    """Read a FaceVerse v3 model file: 150 identity, 52 expression and 251 texture columns.

    The vertices of the eyeballs follow those of the face, the left one first. The older `faceverse_v3.npy` is read
    together with the `exBase_52.npy` beside it.

    Raises:
        UserError: the file is absent, damaged, of another version, or holds anything but arrays.
    """
    path = Path(path)
    model = load_array_dict(path)
    if is_older(model):
        model = modernised(model, path)
    FILE.check(model, path)
    names = model.get("exp_name_list_52")
    if not isinstance(names, list | tuple | np.ndarray):
        raise damaged(path)
    face_end, left_end, right_end = rising_ends(model["ver_inds"], len(model["meanshape"]), path)
    eyes = slice(face_end, right_end)

    mean = np.asarray(model["meanshape"], np.float32) * TO_HEAD_SPACE
    mean[eyes] += np.float32(EYEBALL_SHIFT)
    uvtex = np.asarray(model["uvtex"], np.float32) / 255
    uv_mask = (uvtex[:, 2] > 0.5) & (np.asarray(model["face_mask"]) > 0.5)
    uv_mask[eyes] = uvtex[eyes, 2] > 0.5
    regions = parsing_regions(model["parsing"])
    regions["eyes"] = run_of_vertices(len(mean), face_end, right_end)
    order = arkit_order(names, path)
    return FaceVerseHead(
        name=NAME,
        mean=mean,
        identity_basis=columns(model["idBase"]) * TO_HEAD_SPACE,
        expression_basis=columns(model["exBase_52"])[order] * TO_HEAD_SPACE,
        texture_mean=np.asarray(model["meantex"], np.float32).reshape(-1, 3) / 255,
        texture_basis=columns(model["texBase"]) / np.float32(255),
        triangles=np.ascontiguousarray(model["tri"], np.int32),
        uvs=np.ascontiguousarray(uvtex[:, :2]),
        uv_mask=uv_mask.astype(np.float32),
        landmarks=np.asarray(model["mediapipe_keypoints"], np.int32).reshape(478),
        eyeballs=(Eyeball(face_end, left_end, EYEBALL_PIVOT), Eyeball(left_end, right_end, EYEBALL_PIVOT)),
        regions=regions,
        native=reordered(order),
    )


def parsing_regions(parsing: Numbers) -> dict[str, Numbers]:
    """Return the regions whose colours `parsing [V, 3]` (0 to 255) shows."""
    colours = np.asarray(parsing).round().astype(int)
    regions = {name: (colours == colour).all(1) for colour, name in PARSING_REGIONS.items()}
    return {name: region for name, region in regions.items() if region.any()}


FILE = FaceVerseFile(
    title="FaceVerse v3",
    usual_name="faceverse_v3_6_s.npy",
    shapes={
        **OLDER_FILE.shapes,
        "uvtex": ("V", 3),
        "face_mask": ("V",),
        "parsing": ("V", 3),
    },
    indices=("tri", "mediapipe_keypoints"),
)
"""What a v3 file must hold. Other files called v3 differ in keys, shapes and scale."""
