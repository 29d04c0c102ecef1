# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of foreign heads, made of the built-in head: with the keys and shapes of the real ones, which are not here."""

from __future__ import annotations

import pickle
import sys
import types
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csc_matrix
from semblance.tracking.heads import faceverse_v2, flame
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.correspondence import IBUG
from semblance.tracking.heads.head import ARKIT_NAMES, MorphableHead

if TYPE_CHECKING:
    from pathlib import Path

FLIPPED = np.array([1, -1, -1], np.float32)
COARSE = 0.0045
"""Metres between the vertices of a coarse head."""
V4_PLACES = {"eyeBlinkLeft": 14, "eyeBlinkRight": 15, "mouthClose": 49, "tongueOut": 173}


def rows(basis: np.ndarray) -> np.ndarray:
    """A basis `[K, V, 3]` as the files have it: `[3V, K]`."""
    return np.ascontiguousarray(basis.reshape(len(basis), -1).T)


def padded(basis: np.ndarray, count: int) -> np.ndarray:
    """A basis with columns of zeros up to so many."""
    return np.concatenate([basis, np.zeros((count - len(basis), *basis.shape[1:]), np.float32)])


def coarse(head: MorphableHead, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A coarser built-in head without eyeballs: which vertices stay, and its triangles among them.

    The vertices `kept` stay vertices of their own, and come first.
    """
    skin = np.arange(head.eyeballs[0].start)
    cell = np.unique(np.floor(head.mean[skin] / COARSE).astype(int), axis=0, return_inverse=True)[1].ravel()
    cell[kept] = cell.max() + 1 + np.arange(len(kept))
    kept_first = np.concatenate([kept, np.setdiff1d(np.unique(cell, return_index=True)[1], kept)])
    place = np.empty(cell.max() + 1, int)
    place[cell[kept_first]] = np.arange(len(kept_first))
    triangles = place[cell[head.triangles[(head.triangles < len(skin)).all(1)]]]
    whole = np.array([len(set(triangle)) == 3 for triangle in triangles.tolist()])
    return kept_first, triangles[whole]


def v4_columns() -> list[int]:
    """Where in a made-up v4 file each ARKit expression is."""
    others = iter(column for column in range(171) if column not in V4_PLACES.values())
    return [V4_PLACES[name] if name in V4_PLACES else next(others) for name in ARKIT_NAMES]


def faceverse_v4_model() -> dict[str, Any]:
    """What is in a made-up FaceVerse v4 file."""
    head = load_builtin()
    left, right = (np.arange(eye.start, eye.stop) for eye in head.eyeballs)
    tongue = np.flatnonzero(head.regions["tongue"])
    teeth = np.flatnonzero(head.regions["teeth"])
    moves = head.expression_basis[ARKIT_NAMES.index("jawOpen"), teeth, 1]
    face = np.setdiff1d(np.arange(len(head.mean)), np.concatenate([left, right, teeth, tongue]))
    parts = [face, left, right, teeth[moves < 1e-5], teeth[moves >= 1e-5], tongue]
    order = np.concatenate(parts)
    place = np.argsort(order)
    own = np.zeros((177, len(order), 3), np.float32)
    own[v4_columns()] = head.expression_basis[:, order] * 1000
    return {
        "meanshape": head.mean[order] * 1000,
        "meantex": (head.texture_mean[order] * 255).astype(np.float32),
        "idBase": rows(padded(head.identity_basis[:, order] * 1000, 156)),
        "exBase": rows(own),
        "texBase": np.zeros((3 * len(order), 251), np.int8),
        "tri": place[head.triangles],
        "point_buf": np.zeros((len(order), 8), int),
        "ver_inds": np.cumsum([len(part) for part in parts]),
        "tri_inds": np.array([1]),
        "keypoints_mediapipe": place[head.landmarks],
        "keypoints": np.zeros(370, int),
        "keypoints_68": np.zeros(68, int),
        "keypoints_name_list": {"pupil_left_5": [1, 2, 3], "pupil_right_5": [4, 5]},
        "face_mask": head.uv_mask[order],
        "parsing": {"skin": head.regions["skin"][order]},
    }


def faceverse_v2_model() -> dict[str, Any]:
    """What is in a made-up FaceVerse v2 file: a coarse face, and as its twin every vertex again in another order."""
    head = load_builtin()
    landmarks = head.landmarks[[IBUG[number] for number in faceverse_v2.OF_66]]
    spots, inverse = np.unique(landmarks, return_inverse=True)
    chosen, triangles = coarse(head, spots)
    scale = np.float32(3.7)
    backwards = np.arange(len(chosen))[::-1]
    return {
        "meanshape": head.mean[chosen] * scale,
        "meantex": (head.texture_mean[chosen] * 255).reshape(-1),
        "idBase": rows(padded(head.identity_basis[:, chosen] * scale, 150)),
        "exBase": rows(head.expression_basis[:, chosen] * scale),
        "texBase": np.zeros((3 * len(chosen), 251), np.int8),
        "tri": triangles[:, ::-1],
        "point_buf": np.zeros((len(chosen), 8), int),
        "keypoints": inverse,
        "skinmask": np.ones(len(chosen)),
        "exp_name_list": list(ARKIT_NAMES),
        "select_id": backwards,
        "keypoints_select": backwards[inverse],
        "skinmask_select": np.ones(len(chosen)),
        "tri_select": backwards[triangles],
        "point_buf_select": np.zeros((len(chosen), 8), int),
    }


def flame_model() -> dict[str, Any]:
    """What is in a made-up FLAME file: a coarse built-in head whose jaw turns, with some of ARKit's expressions."""
    head = load_builtin()
    spots, inverse = np.unique(head.landmarks[list(IBUG)], return_inverse=True)
    chosen, triangles = coarse(head, spots)
    assert len(chosen) <= flame.EYEBALLS[0][0], "the coarse head must fit"
    numbers = np.setdiff1d(np.arange(flame.EYEBALLS[0][0]), flame.LANDMARKS)
    place = np.empty(len(chosen), int)
    place[inverse] = flame.LANDMARKS
    place[len(spots) :] = numbers[: len(chosen) - len(spots)]
    origin = np.full(flame.VERTICES, chosen[0])
    origin[list(flame.LANDMARKS)] = head.landmarks[list(IBUG)]
    origin[place] = chosen
    faces = [place[triangles]]
    for eye, (start, stop) in zip(head.eyeballs, flame.EYEBALLS, strict=True):
        count = eye.stop - eye.start
        origin[start:stop] = eye.start + np.arange(stop - start) % count
        own = head.triangles[(head.triangles >= eye.start).all(1) & (head.triangles < eye.stop).all(1)]
        faces.append(own - eye.start + start)
    jaw = np.clip(head.expression_basis[ARKIT_NAMES.index("jawOpen"), origin, 1] / 0.03, 0, 1)
    weights = np.column_stack([1 - jaw, 0 * jaw, jaw, 0 * jaw, 0 * jaw])
    weights[flame.EYEBALLS[0][0] :] = [1, 0, 0, 0, 0]
    regressor = np.zeros((5, flame.VERTICES))
    regressor[2, [2212, 730]] = 0.5
    for joint, (start, stop) in zip((3, 4), flame.EYEBALLS, strict=True):
        points = head.mean[origin[start:stop]].astype(np.float64)
        centre = np.append(points.mean(0) + head.eyeballs[joint - 3].pivot_offset, 1)
        regressor[joint, start:stop] = np.linalg.pinv(np.column_stack([points, np.ones(len(points))])).T @ centre
    smiles = [number for number, name in enumerate(ARKIT_NAMES) if name.startswith(("mouth", "brow", "cheek", "nose"))]
    shapes = np.concatenate(
        [padded(head.identity_basis[:, origin], 300), padded(head.expression_basis[smiles][:, origin], 50)]
    )
    return {
        "v_template": head.mean[origin].astype(np.float64) * FLIPPED,
        "shapedirs": np.moveaxis(shapes * FLIPPED, 0, -1).astype(np.float32),
        "posedirs": np.zeros((flame.VERTICES, 3, 36), np.float32),
        "weights": weights,
        "J_regressor": csc_matrix(regressor),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.uint32),
        "f": np.concatenate(faces).astype(np.uint32),
        "bs_style": "lbs",
    }


def save_model(path: Path, model: dict[str, Any]) -> Path:
    """Write a model as FaceVerse's are."""
    np.save(path, np.array(model, dtype=object), allow_pickle=True)
    return path


def save_flame(path: Path, model: dict[str, Any], protocol: int = 2) -> Path:
    """Pickle a model as FLAME's are, with chumpy's arrays."""
    chumpy, module = types.ModuleType("chumpy"), types.ModuleType("chumpy.ch")
    module.Ch = type("Ch", (), {"__module__": "chumpy.ch"})  # type: ignore[attr-defined]
    sys.modules.update({"chumpy": chumpy, "chumpy.ch": module})
    try:
        wrapped = dict(model)
        for key in ("v_template", "shapedirs"):
            wrapped[key] = module.Ch()
            wrapped[key].__dict__.update(x=model[key], _dirty_vars=["x"])
        path.write_bytes(pickle.dumps(wrapped, protocol))
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]
    return path
