# SPDX-License-Identifier: GPL-3.0-or-later
"""FaceVerse v2 (`faceverse_simple_v2.npy`): the face alone, whole or simplified.

Facts of the format: FaceVerse repository, LizhenWangT. Its axes are the camera's (y down, z into the head); its unit is
not stated and is found from the distance between the eyes. It has 66 landmarks (iBUG's 68 without the inner corners of
the mouth), no UVs and no eyeballs: the head is unrolled as a cylinder, MediaPipe's landmarks are found by bending the
built-in head onto it, and the built-in eyeballs are put in. The real file has not been run: this follows public code.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...common.errors import UserError
from .borrowed_eyes import borrow_eyes
from .builtin import load_builtin
from .correspondence import correspond, ibug_anchors
from .expression_transfer import reordered
from .faceverse_file import FaceVerseFile, FaceVerseHead, arkit_order, columns, outward, run_of_vertices
from .seams import cylindrical_uvs
from .shading import vertex_normals
from .unpickling import load_array_dict

if TYPE_CHECKING:
    from .arrays import Floats

NAME, SIMPLIFIED_NAME = "faceverse-v2", "faceverse-v2-simplified"
OF_66 = [*range(60), 61, 62, 63, 65, 66, 67]
"""Which of iBUG's 68 landmarks each of the 66 is."""
EYE_CORNERS = (33, 263)


def load_faceverse_v2(path: str | Path, simplified: bool = False) -> FaceVerseHead:
    """Read a FaceVerse v2 model file: 150 identity, 52 expression and 251 texture columns.

    The vertices of two eyeballs follow those of the face, the left one first.

    Raises:
        UserError: the file is absent, damaged, of another version, or holds anything but arrays.
    """
    path = Path(path)
    model = load_array_dict(path)
    for key in ("meanshape", "meantex", "keypoints", "select_id", "keypoints_select"):
        if isinstance(model.get(key), np.ndarray):
            model[key] = model[key].reshape(-1)
    (SIMPLIFIED_FILE if simplified else FILE).check(model, path)
    if not isinstance(model.get("exp_name_list"), list | tuple | np.ndarray):
        raise UserError(f"{path} is not a FaceVerse v2 model: it has no exp_name_list; choose {FILE.usual_name}.")
    if simplified:
        model = selection(model)
        FILE.check(model, path)
    order = arkit_order(model["exp_name_list"], path)
    anchors = ibug_anchors(model["keypoints"], OF_66)
    stored = np.asarray(model["meanshape"], np.float32).reshape(-1, 3)
    unit = unit_in_metres(stored, anchors)
    mean = stored * unit
    triangles = outward(np.asarray(model["tri"], np.int32), mean)
    face = correspond(mean, triangles, anchors, None)
    eyes = borrow_eyes(face, len(mean))
    identity = columns(model["idBase"]) * unit
    whole = np.concatenate([mean, eyes.vertices])
    mask = face.builtin.uv_mask[face.nearest(mean, vertex_normals(mean, triangles)).vertices[:, 0]]
    return FaceVerseHead(
        name=SIMPLIFIED_NAME if simplified else NAME,
        mean=whole,
        identity_basis=np.concatenate([identity, eyes.moved_by(identity)], 1),
        expression_basis=still_after((columns(model["exBase"]) * unit)[order], len(eyes.vertices)),
        texture_mean=np.concatenate([np.asarray(model["meantex"], np.float32).reshape(-1, 3) / 255, eyes.colours]),
        texture_basis=still_after(columns(model["texBase"]) / np.float32(255), len(eyes.vertices)),
        triangles=np.concatenate([triangles, eyes.triangles]),
        uvs=cylindrical_uvs(whole),
        uv_mask=np.concatenate([mask, np.ones(len(eyes.vertices), np.float32)]),
        landmarks=np.concatenate([face.landmarks, eyes.landmarks]),
        eyeballs=eyes.eyeballs,
        regions={"eyes": run_of_vertices(len(whole), len(mean), len(whole))},
        unit=float(unit),
        native=reordered(order),
    )


def selection(model: dict[str, Any]) -> dict[str, Any]:
    """Return the simplified twin: the vertices `select_id`, with triangles and landmarks of their own."""
    chosen = model["select_id"].astype(np.int64)
    rows = (3 * chosen[:, None] + np.arange(3)).ravel()
    in_rows = {key: model[key][rows] for key in ("meanshape", "meantex", "idBase", "exBase", "texBase")}
    return {**model, **in_rows, "tri": model["tri_select"], "keypoints": model["keypoints_select"]}


def unit_in_metres(vertices: Floats, anchors: dict[int, int]) -> np.float32:
    """Return how many metres a file's unit is, when its eyes are as far apart as the built-in head's.

    `vertices [V, 3]` are in the file's unit; `anchors` give the vertex of a MediaPipe landmark.

    Raises:
        UserError: the built-in head is damaged.
    """
    builtin = load_builtin()
    right, left = (vertices[anchors[corner]] for corner in EYE_CORNERS)
    own_right, own_left = builtin.mean[builtin.landmarks[list(EYE_CORNERS)]]
    return np.float32(np.linalg.norm(own_left - own_right) / max(float(np.linalg.norm(left - right)), 1e-9))


def still_after(basis: Floats, count: int) -> Floats:
    """Return `basis [K, V, 3]` with `count` more vertices that it does not move."""
    return np.pad(basis, ((0, 0), (0, count), (0, 0)))


FILE = FaceVerseFile(
    title="FaceVerse v2",
    usual_name="faceverse_simple_v2.npy",
    shapes={
        "meanshape": ("3V",),
        "meantex": ("3V",),
        "idBase": ("3V", 150),
        "exBase": ("3V", 52),
        "texBase": ("3V", 251),
        "tri": (None, 3),
        "keypoints": (66,),
    },
    indices=("tri", "keypoints"),
)
SIMPLIFIED_FILE = FaceVerseFile(
    title="simplified FaceVerse v2",
    usual_name="faceverse_simple_v2.npy",
    shapes={**FILE.shapes, "select_id": (None,), "tri_select": (None, 3), "keypoints_select": (66,)},
    indices=(*FILE.indices, "select_id"),
)
"""What a v2 file must hold, the second for its simplified twin."""
