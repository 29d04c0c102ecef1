# SPDX-License-Identifier: GPL-3.0-or-later
"""The older FaceVerse v3 (`faceverse_v3.npy`), brought into the layout of the newer file.

It has 171 expressions; ARKit's 52 are in `exBase_52.npy`, which is handed out with it and has to lie beside it. Its
names are taken to be ARKit's in alphabetical order. Its UVs have triangles of their own and its unit is not always a
millimetre. The real file has not been run: this follows the descriptions in public code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...common.errors import UserError
from .faceverse_file import FaceVerseFile, rising_ends
from .head import ARKIT_NAMES
from .seams import cut_at_seams

if TYPE_CHECKING:
    from pathlib import Path

    from .arrays import Numbers

SIDECAR = "exBase_52.npy"
EYE_DISTANCE = 63.0
"""Millimetres between the eyes of an adult, by which a file's unit is known to a power of ten."""


def is_older(model: dict[str, Any]) -> bool:
    """Tell whether a file is an older v3."""
    expressions = np.shape(model.get("exBase", 0))[1:]
    return "exBase_52" not in model and "mediapipe_keypoints" in model and expressions == (171,)


def modernised(model: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the newer layout of an older file.

    Raises:
        UserError: the sidecar is missing or does not fit, or the file is damaged.
    """
    model = {**model, "exBase_52": sidecar(path)}
    model["meanshape"] = np.asarray(model["meanshape"]).reshape(-1, 3) if "meanshape" in model else None
    model["meantex"] = np.asarray(model["meantex"]).reshape(-1) if "meantex" in model else None
    model = {key: value for key, value in model.items() if value is not None}
    model["mediapipe_keypoints"] = np.asarray(model["mediapipe_keypoints"]).reshape(-1)
    FILE.check(model, path)
    vertices = len(model["meanshape"])
    ends = rising_ends(model["ver_inds"], vertices, path)
    model.setdefault("exp_name_list_52", list(ARKIT_NAMES))
    model.setdefault("parsing", np.zeros((vertices, 3), np.float32))
    model.setdefault("face_mask", np.ones(vertices, np.float32))
    left, right = (model["meanshape"][start:stop].mean(0) for start, stop in (ends[:2], ends[1:3]))
    scale = 10.0 ** round(np.log10(EYE_DISTANCE / max(float(np.linalg.norm(left - right)), 1e-9)))
    for key in ("meanshape", "idBase", "exBase_52"):
        model[key] = np.asarray(model[key], np.float32) * np.float32(scale)
    return model if "uvtex" in model else with_uvs_at_vertices(model, path)


def sidecar(path: Path) -> Numbers:
    """Return `[3V, 52]`, the expressions beside an older file.

    Raises:
        UserError: they are not there or are damaged.
    """
    beside = path.with_name(SIDECAR)
    if not beside.is_file():
        raise UserError(f"{path} is an older FaceVerse v3 model, which needs its {SIDECAR} beside it; put it there.")
    try:
        base = np.load(beside, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{beside} is damaged; download it again.") from error
    if base.dtype.kind != "f" or base.size % (3 * len(ARKIT_NAMES)):
        raise UserError(f"{beside} does not hold the 52 expressions of a FaceVerse v3 model; download it again.")
    basis: Numbers = base.reshape(-1, len(ARKIT_NAMES))
    return basis


def with_uvs_at_vertices(model: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the model cut along the seams of its `uv [U, 2]` and `tri_uv [T, 3]`, as the newer `uvtex` wants it.

    Raises:
        UserError: it has no UVs, or they do not fit.
    """
    uvs, uv_triangles = (np.asarray(model.get(key, 0)) for key in ("uv", "tri_uv"))
    if uvs.ndim != 2 or uvs.shape[1] < 2 or uv_triangles.shape != model["tri"].shape:
        raise UserError(f"{path} has no UVs that fit its triangles; choose faceverse_v3_6_s.npy.")
    if uv_triangles.min() < 0 or uv_triangles.max() >= len(uvs) or not np.isfinite(uvs).all():
        raise UserError(f"{path} is damaged: its UVs do not fit its triangles; download it again.")
    upright = np.column_stack([uvs[:, 0], 1 - uvs[:, 1]])
    cut = cut_at_seams(model["tri"].astype(np.int64), uv_triangles.astype(np.int64), upright, len(model["meanshape"]))
    rows = (3 * cut.origin[:, None] + np.arange(3)).ravel()
    in_rows = {key: np.asarray(model[key])[rows] for key in ("meantex", "idBase", "exBase_52", "texBase")}
    at_vertices = {key: np.asarray(model[key])[cut.origin] for key in ("meanshape", "face_mask", "parsing")}
    shown = np.column_stack([cut.uvs * 255, np.full(len(cut.uvs), 255)]).astype(np.float32)
    return {
        **model,
        **in_rows,
        **at_vertices,
        "tri": cut.triangles,
        "uvtex": shown,
        "ver_inds": cut.place(np.asarray(model["ver_inds"])),
        "mediapipe_keypoints": cut.place(model["mediapipe_keypoints"]),
    }


FILE = FaceVerseFile(
    title="FaceVerse v3",
    usual_name="faceverse_v3_6_s.npy",
    shapes={
        "meanshape": ("V", 3),
        "meantex": ("3V",),
        "idBase": ("3V", 150),
        "exBase_52": ("3V", 52),
        "texBase": ("3V", 251),
        "tri": (None, 3),
        "mediapipe_keypoints": (478,),
        "ver_inds": (3,),
    },
    indices=("tri", "mediapipe_keypoints"),
)
