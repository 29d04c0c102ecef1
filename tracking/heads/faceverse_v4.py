# SPDX-License-Identifier: GPL-3.0-or-later
"""FaceVerse v4 (`faceverse_v4_2.npy`): a whole head with teeth and tongue.

Facts of the format: the FaceVerse_v4 repository, LizhenWangT. Its axes are the camera's (y down, z into the head) and
its unit a millimetre. It has no UVs, so the head is unrolled as a cylinder; its 177 expressions have no names, so
ARKit's 52 are mixed of them. The real file has not been run: this follows the public code that reads it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .expression_transfer import NativeExpressions, landmark_fields, mixtures
from .faceverse_file import FaceVerseFile, FaceVerseHead, columns, damaged, outward, rising_ends, run_of_vertices
from .head import ARKIT_NAMES, Eyeball
from .seams import cylindrical_uvs
from .unpickling import load_array_dict

if TYPE_CHECKING:
    from .arrays import Booleans, Floats, Integers

NAME = "faceverse-v4"
MILLIMETRE = np.float32(0.001)
BLINKS = (14, 15)
"""Columns that shut the eyes."""
MOUTH_CLOSE = 49
TONGUE = slice(171, 177)
"""Columns that move the tongue; the published network was not trained on them."""
TEETH_VERTEX, FACE_VERTEX = 19496, 6550
"""Teeth and tongue keep the distance in depth that these two vertices have on the mean head."""


def load_faceverse_v4(path: str | Path) -> FaceVerseHead:
    """Read a FaceVerse v4 model file: 156 identity, 177 expression and 251 texture columns.

    The vertices of the eyeballs follow those of the face, the left one first, then teeth and tongue.

    Raises:
        UserError: the file is absent, damaged, of another version, or holds anything but arrays.
    """
    path = Path(path)
    model = load_array_dict(path)
    for key in ("meanshape", "meantex", "keypoints_mediapipe", "face_mask"):
        if isinstance(model.get(key), np.ndarray):
            model[key] = model[key].reshape(-1)
    FILE.check(model, path)
    mean = np.asarray(model["meanshape"], np.float32).reshape(-1, 3) * MILLIMETRE
    ends = rising_ends(model["ver_inds"], len(mean), path)
    if len(ends) < 6:
        raise damaged(path)
    face, left, right, *_, tongue, mouth = ends[:6]
    own = teeth_following(columns(model["exBase"]) * MILLIMETRE, right, mouth)
    landmarks = np.asarray(model["keypoints_mediapipe"], np.int32)
    mixed = arkit_mixtures(own, mean, landmarks, run_of_vertices(len(mean), tongue, mouth))
    flat = own.reshape(len(own), -1)
    inner = run_of_vertices(len(mean), face, mouth)
    return FaceVerseHead(
        name=NAME,
        mean=mean,
        identity_basis=teeth_following(columns(model["idBase"]) * MILLIMETRE, right, mouth),
        expression_basis=np.tensordot(mixed, own, 1),
        texture_mean=np.asarray(model["meantex"], np.float32).reshape(-1, 3) / 255,
        texture_basis=columns(model["texBase"]) / np.float32(255),
        triangles=outward(np.asarray(model["tri"], np.int32), mean),
        uvs=cylindrical_uvs(mean),
        uv_mask=((np.asarray(model["face_mask"]) > 0.5) | inner).astype(np.float32),
        landmarks=landmarks,
        eyeballs=(Eyeball(face, left), Eyeball(left, right)),
        regions={
            **parsed_regions(model.get("parsing"), len(mean)),
            "eyes": run_of_vertices(len(mean), face, right),
            "teeth": run_of_vertices(len(mean), right, tongue),
            "tongue": run_of_vertices(len(mean), tongue, mouth),
        },
        native=NativeExpressions(mixed, flat @ flat.T),
    )


def teeth_following(basis: Floats, start: int, stop: int) -> Floats:
    """Return `basis [K, V, 3]` with teeth and tongue (vertices `start` to `stop`) moved in depth as the face is."""
    if start <= TEETH_VERTEX < stop:
        gap = basis[:, TEETH_VERTEX, 2] - basis[:, FACE_VERTEX, 2]
        basis[:, start:stop, 2] -= gap[:, None]
    return basis


def arkit_mixtures(own: Floats, mean: Floats, landmarks: Integers, tongue: Booleans) -> Floats:
    """Return `[52, 177]`: ARKit's expressions, mixed of the file's `own [177, V, 3]`.

    Blinks, the closing of the mouth and the tongue are single columns; the others are what moves the `landmarks [478]`
    most nearly as on the built-in head.

    Raises:
        UserError: the built-in head is damaged.
    """
    at_landmarks = own[:, landmarks].copy()
    at_landmarks[TONGUE] = 0
    mixed = mixtures(at_landmarks, landmark_fields(mean[landmarks]))
    strength = np.abs(own[list(BLINKS)][:, landmarks]).sum(2)
    lefts = mean[landmarks, 0] > 0
    left, right = BLINKS if strength[0, lefts].sum() >= strength[0, ~lefts].sum() else BLINKS[::-1]
    out = TONGUE.start + int(own[TONGUE][:, tongue, 2].mean(1).argmin())
    known = {"eyeBlinkLeft": left, "eyeBlinkRight": right, "mouthClose": MOUTH_CLOSE, "tongueOut": out}
    for name, column in known.items():
        mixed[ARKIT_NAMES.index(name)] = np.eye(len(own), dtype=np.float32)[column]
    return mixed


def parsed_regions(parsing: Any, vertices: int) -> dict[str, Booleans]:
    """Return the regions, `[V]` each, of `parsing`: a dict of numbers `[V]` that are 0 outside."""
    named = parsing.items() if isinstance(parsing, dict) else ()
    return {
        str(name): np.asarray(values).reshape(-1) > 0.5
        for name, values in named
        if isinstance(values, np.ndarray) and values.size == vertices and values.dtype.kind in "fiub"
    }


FILE = FaceVerseFile(
    title="FaceVerse v4",
    usual_name="faceverse_v4_2.npy",
    shapes={
        "meanshape": ("3V",),
        "meantex": ("3V",),
        "idBase": ("3V", 156),
        "exBase": ("3V", 177),
        "texBase": ("3V", 251),
        "tri": (None, 3),
        "keypoints_mediapipe": (478,),
        "ver_inds": (None,),
        "face_mask": ("V",),
    },
    indices=("tri", "keypoints_mediapipe"),
)
"""What a v4 file must hold."""
