# SPDX-License-Identifier: GPL-3.0-or-later
"""Which head a file is, by its contents, and whether it is a sound one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from . import faceverse, faceverse_v2, faceverse_v4, flame, ict
from .head import ARKIT_NAMES, MorphableHead
from .registry import KINDS
from .unpickling import load_array_dict, load_pickled_dict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .arrays import Numbers

NUMPY_MAGIC, ZIP_MAGIC = b"\x93NUMPY", b"PK\x03\x04"
EYE_DISTANCE = (0.05, 0.08)
"""Metres between the pupils of an adult, with a margin."""
FOREHEAD, NOSE, CHIN, RIGHT_IRIS, LEFT_IRIS = 10, 1, 152, 468, 473
STILL = 1e-6
"""Metres below which an expression moves nothing."""


def recognise(path: Path) -> tuple[str, ...]:
    """Return the names of the heads that the file or folder at `path` holds; one file may hold two.

    Raises:
        UserError: it is absent or damaged, may run code, or is no head that Semblance knows.
    """
    if path.is_dir() or path.suffix.lower() == ".obj":
        ict.model_folder(path)
        return (ict.NAME,)
    keys = keys_in(path)
    for names, needed in MARKS:
        if needed <= keys:
            return names
    if "coeffs" in keys:
        raise UserError(f"{path} holds the coefficients of a take, not a head; choose the head's own file.")
    raise UserError(
        f"{path} is not a head that Semblance knows; choose one of {', '.join(k.title for k in KINDS.values())}."
    )


def keys_in(path: Path) -> set[str]:
    """Return the names of the arrays in a model's file. Raises UserError: see `recognise`."""
    try:
        with path.open("rb") as file:
            magic = file.read(6)
    except FileNotFoundError as error:
        raise UserError(f"There is nothing at {path}; choose a head's file or folder.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); choose a head's file or folder.") from error
    if magic == NUMPY_MAGIC:
        return {str(key) for key in load_array_dict(path)}
    if magic.startswith(ZIP_MAGIC):
        return set(flame.read_npz(path))
    return {str(key) for key in load_pickled_dict(path)}


def verified(head: MorphableHead) -> list[str]:
    """Return what was checked of a head, a line for each check.

    Raises:
        UserError: a check failed; the sentence says which.
    """
    arrays = {name: value for name, value in vars(head).items() if isinstance(value, np.ndarray)}
    vertices = len(head.mean)
    at_rest = head.mean[head.landmarks]
    left, right = at_rest[[LEFT_IRIS, RIGHT_IRIS]]
    distance = float(np.linalg.norm(left - right))
    forehead, nose, chin = at_rest[[FOREHEAD, NOSE, CHIN]]
    jaw = head.expression_basis[ARKIT_NAMES.index("jawOpen"), head.landmarks[CHIN], 1]
    spans = [(eye.start, eye.stop) for eye in head.eyeballs]
    checks = [
        ("all numbers are finite", all(np.isfinite(array).all() for array in arrays.values())),
        (f"{vertices} vertices and {len(head.triangles)} triangles fit", fits(head.triangles, vertices)),
        (f"{len(head.landmarks)} landmarks lie on it", len(head.landmarks) == 478 and fits(head.landmarks, vertices)),
        ("both eyeballs are there", all(0 <= start < stop <= vertices for start, stop in spans)),
        (f"the pupils are {distance * 1000:.1f} mm apart", EYE_DISTANCE[0] < distance < EYE_DISTANCE[1]),
        ("the left eye is on the left", left[0] > right[0]),
        ("the head is upright", forehead[1] < nose[1] < chin[1]),
        ("the nose points to the camera", nose[2] < min(forehead[2], chin[2])),
        ("the jaw opens downward", jaw > -STILL),
        ("UVs lie in the square", head.uvs.min() >= 0 and head.uvs.max() <= 1),
    ]
    failed = [what for what, held in checks if not held]
    if failed:
        raise UserError(f"The head {head.name} fails the check “{failed[0]}”; download its model again.")
    identities, textures = len(head.identity_basis), len(head.texture_basis)
    counts = f"{identities} identity, {len(head.expression_basis)} expression and {textures} texture columns"
    return [*(what for what, _ in checks), counts, said_of_still(still_expressions(head))]


def still_expressions(head: MorphableHead) -> list[str]:
    """Return the names of the expressions that move nothing: their meshes are missing, or the model has none."""
    reach = np.abs(head.expression_basis).max((1, 2))
    return [name for name, most in zip(ARKIT_NAMES, reach, strict=True) if most < STILL]


def said_of_still(names: Iterable[str]) -> str:
    """Return a line about expressions that move nothing."""
    listed = ", ".join(names)
    return f"expressions that move nothing: {listed}" if listed else "every expression moves something"


def fits(indices: Numbers, count: int) -> bool:
    """Tell whether `indices [...]` are from 0 to below `count` and there are some."""
    return bool(indices.size and indices.min() >= 0 and indices.max() < count)


MARKS: tuple[tuple[tuple[str, ...], set[str]], ...] = (
    ((faceverse_v4.NAME,), {"keypoints_mediapipe", "exBase", "idBase"}),
    ((faceverse.NAME,), {"mediapipe_keypoints", "exBase_52", "idBase"}),
    ((faceverse.NAME,), {"mediapipe_keypoints", "exBase", "idBase"}),
    ((faceverse_v2.NAME, faceverse_v2.SIMPLIFIED_NAME), {"keypoints", "exBase", "idBase", "select_id"}),
    ((faceverse_v2.NAME,), {"keypoints", "exBase", "idBase", "exp_name_list"}),
    ((flame.NAME,), {"v_template", "shapedirs", "kintree_table"}),
    ((flame.NAME,), {"v_template", "shapedirs", "J_regressor"}),
)
"""The arrays by which a model is known, in the order in which they are tried."""
