# SPDX-License-Identifier: GPL-3.0-or-later
"""FLAME 2020 and 2023 (`generic_model.pkl`, `flame2023.pkl`, or the same arrays as `.npz`), from the user's own file.

Facts of the format: FLAME (Li et al. 2017) and public code that reads it: metres, x to the subject's left, y up, z out
of the face; 300 columns of identity and the rest of expression; five joints, the third of them the jaw. The model has
no colours, landmarks or lids that shut: these come from the built-in head, bent onto it by 52 vertices that are known.
Each of ARKit's expressions is mixed of FLAME's expressions and turns of the jaw; what the eyes' skin does is carried
over as it is, since FLAME has no blink. The real file has not been run: tests make one with its keys and shapes.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...common.errors import UserError
from .correspondence import Correspondence, Lookup, correspond, eyeball_about, ibug_anchors
from .expression_transfer import signed_mixtures
from .head import ARKIT_NAMES, Eyeball, MorphableHead
from .seams import CutMesh, cut_at_seams, cylindrical_uvs
from .shading import vertex_normals
from .unpickling import load_pickled_dict

if TYPE_CHECKING:
    from .arrays import Floats, Integers

NAME = "flame"
TEXTURE_FILE = "FLAME_texture.npz"
TO_HEAD_SPACE = np.array([1, -1, -1], np.float32)
"""Metres, y up, z out of the face -> y down, z into the head. A half turn: triangles keep their sense."""
VERTICES, JOINTS, IDENTITIES = 5023, 5, 300
JAW = 2
EYEBALLS = ((3931, 4477), (4477, 5023))
"""Runs of the left and the right eyeball; their joints are the last two."""
UPPER_LIDS, LOWER_LIDS = (385, 386, 387, 158, 159, 160), (380, 374, 373, 153, 145, 144)
"""MediaPipe landmarks that face each other across the opened eyes."""
JAW_TURNS = ((0.4, 0.0, 0.0), (0.0, 0.15, 0.0), (0.0, -0.15, 0.0))
"""Turns of the jaw in radians about its axes: open, to the left, to the right."""
LANDMARKS = (
    2212, 3060, 3485, 3384, 3386, 3389, 3418, 3395, 3414, 3598, 3637, 3587, 3582, 3580, 3756, 2012, 730,
    1984, 3157, 335, 3705, 3684, 3851, 3863, 16, 2138, 571, 3553, 3561, 3501, 3526, 2748, 2792, 3556, 1675, 1612,
    2437, 2383, 2494, 3632, 2278, 2296, 3833, 1343, 1034, 1175, 884, 829,
    2715, 2813, 2774, 3543, 1657, 1696, 1579, 1795, 1865, 3503, 2948, 2898,
    2845, 2785, 3533, 1668, 1730, 1669, 3509, 2786,
)  # fmt: skip
"""The vertex nearest to each of iBUG's 68 landmarks, as public code that evaluates FLAME has them."""


def load_flame(path: str | Path) -> MorphableHead:
    """Read a FLAME model: 300 identity columns; ARKit's 52 expressions.

    UVs are those of `FLAME_texture.npz` where it lies beside the model; otherwise the head is unrolled as a cylinder.

    Raises:
        UserError: the file is absent, damaged, of another kind, or holds anything but arrays.
    """
    path = Path(path)
    model = read_model(path)
    mean = np.asarray(model["v_template"], np.float32) * TO_HEAD_SPACE
    triangles = np.asarray(model["f"]).astype(np.int32)
    joints = (np.asarray(model["J_regressor"], np.float32) @ model["v_template"]).astype(np.float32)
    left, right = (
        eyeball_about(joint * TO_HEAD_SPACE, mean, *run) for joint, run in zip(joints[3:], EYEBALLS, strict=True)
    )
    if mean[left.start : left.stop, 0].mean() <= mean[right.start : right.stop, 0].mean():
        raise damaged(path)
    skin = triangles[(triangles < EYEBALLS[0][0]).all(1)]
    face = correspond(mean, skin, ibug_anchors(LANDMARKS), (left, right))
    normals = vertex_normals(mean, triangles)
    on_skin = face.nearest(mean[: left.start], normals[: left.start], ("skin", "lips", "brows", "ears", "neck"))
    lent = Lookup.joined((on_skin, *face.nearest_on_eyes(mean, (left, right))))
    shapes = np.moveaxis(np.asarray(model["shapedirs"], np.float32), -1, 0)
    turned = jaw_columns(model, joints[JAW])
    own = np.concatenate([shapes[IDENTITIES:], turned]) * TO_HEAD_SPACE
    cut = uv_mesh(path, triangles, mean)
    mask = face.builtin.uv_mask[lent.vertices[:, 0]]
    mask[left.start :] = 1
    return MorphableHead(
        name=NAME,
        mean=mean[cut.origin],
        identity_basis=(shapes[:IDENTITIES] * TO_HEAD_SPACE)[:, cut.origin],
        expression_basis=arkit_columns(own, mean, face, on_skin)[:, cut.origin],
        texture_mean=lent.of(face.builtin.texture_mean)[cut.origin],
        texture_basis=lent.of(face.builtin.texture_basis)[:, cut.origin],
        triangles=cut.triangles,
        uvs=cut.uvs,
        uv_mask=mask[cut.origin],
        landmarks=cut.place(face.landmarks),
        eyeballs=(after_cut(left, joints[3], mean, cut), after_cut(right, joints[4], mean, cut)),
        regions={name: region[lent.vertices[cut.origin, 0]] for name, region in face.builtin.regions.items()},
    )


def read_model(path: Path) -> dict[str, Any]:
    """Return the arrays of a model, checked.

    Raises:
        UserError: see `load_flame`.
    """
    model = read_npz(path) if path.suffix.lower() == ".npz" else load_pickled_dict(path)
    for key, shape in SHAPES.items():
        if not isinstance(model.get(key), np.ndarray) or model[key].dtype.kind not in "fiu":
            raise UserError(f"{path} is not a FLAME model: it has no array {key}; choose generic_model.pkl.")
        found = model[key].shape
        if len(found) != len(shape) or any(w not in (None, f) for f, w in zip(found, shape, strict=True)):
            raise UserError(f"{path} is not a FLAME model: its {key} has the shape {found}; choose generic_model.pkl.")
    if model["shapedirs"].shape[2] <= IDENTITIES:
        raise UserError(f"{path} has no expressions; choose the whole FLAME model, generic_model.pkl.")
    finite = all(np.isfinite(model[key]).all() for key in SHAPES)
    if not finite or model["f"].min() < 0 or model["f"].max() >= VERTICES:
        raise damaged(path)
    return model


def read_npz(path: Path) -> dict[str, Any]:
    """Return the arrays of an `.npz` file. Raises UserError where it is absent or damaged, or holds objects."""
    try:
        with np.load(path, allow_pickle=False) as content:
            return dict(content)
    except FileNotFoundError as error:
        raise UserError(f"There is no file at {path}; choose the head's model file.") from error
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} is damaged or holds something other than arrays; download it again.") from error


def damaged(path: Path) -> UserError:
    """Return what to say of a file whose numbers cannot be right."""
    return UserError(f"{path} is damaged: its numbers do not fit together; download it again.")


def jaw_columns(model: dict[str, Any], joint: Floats) -> Floats:
    """Return `[3, V, 3]`: how the mean head moves when its jaw makes each of `JAW_TURNS`, in the file's axes.

    Each is linear blend skinning about the jaw's `joint [3]` with FLAME's corrections for the pose.
    """
    template = np.asarray(model["v_template"], np.float32)
    corrections = np.asarray(model["posedirs"], np.float32)[..., 9 * (JAW - 1) : 9 * JAW]
    weights = np.asarray(model["weights"], np.float32)[:, JAW, None]
    moved = []
    for turn in JAW_TURNS:
        rotation = rotation_about(np.array(turn, np.float32))
        posed = template + corrections @ (rotation - np.eye(3, dtype=np.float32)).ravel()
        moved.append(posed + weights * ((posed - joint) @ rotation.T + joint - posed) - template)
    return np.array(moved, np.float32)


def rotation_about(turn: Floats) -> Floats:
    """Return `[3, 3]` of a turn `[3]`: axis times angle in radians (Rodrigues)."""
    angle = float(np.linalg.norm(turn))
    x, y, z = turn / max(angle, 1e-12)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    rotation: Floats = (np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross).astype(np.float32)
    return rotation


def arkit_columns(own: Floats, mean: Floats, face: Correspondence, on_skin: Lookup) -> Floats:
    """Return `[52, V, 3]`: ARKit's expressions, mixed of the model's `own [N, V, 3]`.

    `on_skin` looks up the first vertices of `mean [V, 3]`; those of them that lie in the face region are to move as the
    built-in head does, the lids by as much more as the eyes are wider open.
    """
    wanted = on_skin.of(face.builtin.expression_basis)
    skin = wanted.shape[1]
    region = face.builtin.uv_mask[on_skin.vertices[:, 0]] > 0.5
    basis = np.tensordot(signed_mixtures(own[:, :skin][:, region], wanted[:, region]), own, 1)
    eyes = np.array([name.startswith("eye") for name in ARKIT_NAMES])
    basis[eyes] = 0
    opening = aperture(mean[face.landmarks]) / aperture(face.builtin.mean[face.builtin.landmarks])
    basis[eyes, :skin] = wanted[eyes] * region[:, None] * opening
    return basis.astype(np.float32)


def aperture(landmarks: Floats) -> float:
    """Return how wide open the eyes of a head are, in metres, by its `landmarks [478, 3]`."""
    upper, lower = landmarks[list(UPPER_LIDS)], landmarks[list(LOWER_LIDS)]
    return float(np.linalg.norm(upper - lower, axis=1).mean())


def uv_mesh(path: Path, triangles: Integers, mean: Floats) -> CutMesh:
    """Return the mesh of `triangles [T, 3]` and `mean [V, 3]` with a UV at each vertex; see `load_flame`.

    Raises:
        UserError: the texture file beside the model is damaged.
    """
    beside = path.with_name(TEXTURE_FILE)
    if not beside.is_file():
        return CutMesh(np.arange(len(mean), dtype=np.int32), triangles, cylindrical_uvs(mean))
    content = read_npz(beside)
    uvs, uv_triangles = content.get("vt", np.empty(0)), content.get("ft", np.empty(0))
    fits = uvs.ndim == 2 and uvs.shape[1] >= 2 and uv_triangles.shape == triangles.shape
    if not fits or uv_triangles.min() < 0 or uv_triangles.max() >= len(uvs) or not np.isfinite(uvs).all():
        raise UserError(f"{beside} does not fit the model beside it; download both again or take it away.")
    upright = np.column_stack([uvs[:, 0], 1 - uvs[:, 1]]).astype(np.float32)
    return cut_at_seams(triangles, uv_triangles.astype(np.int64), upright, len(mean))


def after_cut(eyeball: Eyeball, joint: Floats, mean: Floats, cut: CutMesh) -> Eyeball:
    """Return an eyeball's run of vertices after the mesh was cut at its seams; it turns about its `joint [3]`."""
    start, stop = (int(end) for end in cut.place(np.array([eyeball.start, eyeball.stop])))
    return eyeball_about(joint * TO_HEAD_SPACE, mean[cut.origin], start, stop)


SHAPES: dict[str, tuple[int | None, ...]] = {
    "v_template": (VERTICES, 3),
    "shapedirs": (VERTICES, 3, None),
    "f": (None, 3),
    "posedirs": (VERTICES, 3, 9 * (JOINTS - 1)),
    "weights": (VERTICES, JOINTS),
    "J_regressor": (JOINTS, VERTICES),
}
"""What a file must hold."""
