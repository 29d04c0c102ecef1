# SPDX-License-Identifier: GPL-3.0-or-later
"""ICT-FaceKit (light): a folder of OBJ meshes, from the user's own copy.

Facts of the format: the ICT-FaceKit repository (USC-ICT, MIT): one mesh a file in `FaceXModel`, all with the same
vertices; centimetres, x to the subject's left, y up, z out of the face. It has no colours, so those of the built-in
head are carried over. Its film of tears, its lashes and the like are meant to be transparent and are left out.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ...common.files import written_whole
from ...common.words import counted
from .correspondence import Correspondence, Lookup, centre, correspond, eyeball_about, ibug_anchors, sphere_centre
from .head import ARKIT_NAMES, Eyeball, MorphableHead
from .obj_meshes import read_obj, read_obj_vertices
from .seams import CutMesh, cut_at_seams
from .shading import vertex_normals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .arrays import Floats, Integers

NAME = "ict-facekit"
CACHE_VERSION = 1
FOLDER, NEUTRAL = "FaceXModel", "generic_neutral_mesh.obj"
TO_HEAD_SPACE = np.array([1, -1, -1], np.float32) * np.float32(0.01)
"""Centimetres, y up, z out of the face -> metres, y down, z into the head. A half turn: triangles keep their sense."""
VERTICES = 26719
PARTS = {
    "face": (0, 9409),
    "head": (9409, 11248),
    "mouth": (11248, 13294),
    "sockets": (13294, 14062),
    "gums": (14062, 17039),
    "teeth": (17039, 21451),
    "left eye": (21451, 23021),
    "right eye": (23021, 24591),
}
"""Runs of vertices by what they are; what follows is transparent."""
SHOWN = 24591
NARROW_FACE = 6706
"""The face's vertices before this one are the face without neck and temples, which is the face region."""
SCLERA = 770
"""Vertices at the start of each eyeball that lie on its sphere."""
LANDMARKS = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443,
    268, 493, 1914, 2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360,
    1507, 1542, 1537, 1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732,
    5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957, 5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
)  # fmt: skip
"""The vertex of each of the 68 landmarks of Multi-PIE (iBUG)."""
LENDERS = {
    "face": ("skin", "lips", "brows"),
    "head": ("skin", "ears", "neck"),
    "mouth": ("mouth",),
    "sockets": ("mouth",),
    "gums": ("mouth", "tongue"),
    "teeth": ("teeth",),
}
"""Regions of the built-in head whose colours each part takes."""
TILES = {"face": 0.75, "head": 0.25, "gums": 0.25, "teeth": 0.25, "left eye": 0.25, "right eye": 0.25}
"""Side of each part's tile in the UV square; the model spreads them over squares of their own."""
PLACES = {
    "face": (0.0, 0.0),
    "head": (0.75, 0.0),
    "gums": (0.75, 0.25),
    "teeth": (0.75, 0.5),
    "left eye": (0.0, 0.75),
    "right eye": (0.25, 0.75),
}
"""Where the tiles' top left corners lie."""


@dataclass(frozen=True)
class FaceKit:
    """The meshes of a folder, as they are stored.

    Attributes:
        neutral: `[V, 3]`; uvs: `[U, 2]`; triangles, uv_triangles: `[T, 3]`.
        identities: `[I, V, 3]` and expressions: `[E, V, 3]`, differences from the neutral mesh.
        names: of the expressions, like "eyeBlink_L".
    """

    neutral: Floats
    uvs: Floats
    triangles: Integers
    uv_triangles: Integers
    identities: Floats
    expressions: Floats
    names: NDArray[np.str_]


def load_ict(path: str | Path, cache: Path | None = None) -> MorphableHead:
    """Read ICT-FaceKit from its folder, from `FaceXModel` in it, or from the neutral mesh in that.

    It has as many identity columns as there are meshes `identity*.obj`; expressions whose mesh is missing, and
    `tongueOut` always, are zero. What was parsed is kept in `cache` (the user's cache folder by default).

    Raises:
        UserError: the folder or a mesh is absent or damaged, or the meshes are not ICT-FaceKit's.
    """
    kit = cached_kit(model_folder(Path(path)), cache or cache_folder())
    shown = (kit.triangles < SHOWN).all(1)
    triangles, uv_triangles = kit.triangles[shown], kit.uv_triangles[shown]
    mean = kit.neutral[:SHOWN] * TO_HEAD_SPACE
    eyeballs = (eyeball(mean, *PARTS["left eye"]), eyeball(mean, *PARTS["right eye"]))
    skin = triangles[(triangles < PARTS["face"][1]).all(1)]
    face = correspond(mean, skin, ibug_anchors(LANDMARKS), eyeballs)
    lent = lookup(face, mean, vertex_normals(mean, triangles), eyeballs)
    uv_corners, uvs = in_one_square(kit, triangles, uv_triangles)
    cut = cut_at_seams(triangles, uv_corners, uvs, SHOWN)
    mask = np.ones(SHOWN, np.float32)
    mask[NARROW_FACE : PARTS["head"][1]] = 0
    return MorphableHead(
        name=NAME,
        mean=mean[cut.origin],
        identity_basis=kit.identities[:, cut.origin] * TO_HEAD_SPACE,
        expression_basis=arkit_columns(kit)[:, cut.origin] * TO_HEAD_SPACE,
        texture_mean=colours(face, lent)[cut.origin],
        texture_basis=lent.of(face.builtin.texture_basis)[:, cut.origin],
        triangles=cut.triangles,
        uvs=cut.uvs,
        uv_mask=mask[cut.origin],
        landmarks=cut.place(face.landmarks),
        eyeballs=(cut_eyeball(mean, eyeballs[0], cut), cut_eyeball(mean, eyeballs[1], cut)),
        regions={name: region[lent.vertices[cut.origin, 0]] for name, region in face.builtin.regions.items()},
    )


def model_folder(path: Path) -> Path:
    """Return the folder of the meshes. Raises UserError where there are none."""
    for folder in (path, path / FOLDER, path.parent):
        if (folder / NEUTRAL).is_file():
            return folder
    raise UserError(f"There is no {NEUTRAL} in {path}; choose the folder of ICT-FaceKit, or {FOLDER} in it.")


def cache_folder() -> Path:
    """Return where this user's programs keep what they can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "semblance"


def cached_kit(folder: Path, cache: Path) -> FaceKit:
    """Return the meshes of `folder`, parsed or as they were kept in `cache` under a hash of their contents.

    Raises:
        UserError: a mesh is damaged, or has not ICT-FaceKit's vertices.
    """
    files = sorted(folder.glob("*.obj"))
    digest = hashlib.blake2b(digest_size=16)
    for file in files:
        digest.update(file.name.encode())
        digest.update(file.read_bytes())
    kept = cache / f"ict-facekit-{CACHE_VERSION}-{digest.hexdigest()}.npz"
    unreadable = suppress(OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)
    with unreadable, np.load(kept, allow_pickle=False) as content:
        return FaceKit(**content)
    kit = parsed_kit(folder, files)
    with suppress(OSError, UserError), written_whole(kept) as partial:
        np.savez(partial, **vars(kit))
    return kit


def parsed_kit(folder: Path, files: list[Path]) -> FaceKit:
    """Read all meshes of the folder.

    Raises:
        UserError: a mesh is damaged, or has not ICT-FaceKit's vertices.
    """
    mesh = read_obj(folder / NEUTRAL)
    known = set(file_names())
    identities = [file for file in files if file.stem.startswith("identity")]
    expressions = [file for file in files if file.stem in known]
    moved = [read_obj_vertices(file) for file in (*identities, *expressions)]
    for file, vertices in zip((folder / NEUTRAL, *identities, *expressions), (mesh.vertices, *moved), strict=True):
        if len(vertices) != VERTICES:
            raise UserError(
                f"{file} has {counted(len(vertices), 'vertex', 'vertices')}, and ICT-FaceKit's meshes have {VERTICES}; "
                "download it again."
            )
    differences = np.array([vertices - mesh.vertices for vertices in moved], np.float32).reshape(-1, VERTICES, 3)
    return FaceKit(
        neutral=mesh.vertices,
        uvs=mesh.uvs,
        triangles=mesh.triangles,
        uv_triangles=mesh.uv_triangles,
        identities=differences[: len(identities)],
        expressions=differences[len(identities) :],
        names=np.array([file.stem for file in expressions], str),
    )


def file_names() -> list[str]:
    """Return the names of the meshes of all expressions, without their suffix."""
    return [stem for name in ARKIT_NAMES for stem in stems(name)]


def stems(name: str) -> tuple[str, ...]:
    """Return the meshes whose sum is the expression called `name`; none for the tongue."""
    if name in ("browInnerUp", "cheekPuff"):
        return f"{name}_L", f"{name}_R"
    if name == "tongueOut":
        return ()
    if name in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
        return (name,)
    sided = name.removesuffix("Left"), name.removesuffix("Right")
    return (f"{sided[0]}_L",) if sided[0] != name else (f"{sided[1]}_R",) if sided[1] != name else (name,)


def arkit_columns(kit: FaceKit) -> Floats:
    """Return `[52, SHOWN, 3]`, zero where no mesh is there."""
    basis = np.zeros((len(ARKIT_NAMES), SHOWN, 3), np.float32)
    place = {str(name): number for number, name in enumerate(kit.names)}
    for column, name in enumerate(ARKIT_NAMES):
        for stem in stems(name):
            if stem in place:
                basis[column] += kit.expressions[place[stem], :SHOWN]
    return basis


def lookup(face: Correspondence, mean: Floats, normals: Floats, eyeballs: tuple[Eyeball, Eyeball]) -> Lookup:
    """Return the built-in vertices that each of the `SHOWN` vertices takes its colour and region from.

    `mean [V, 3]` and `normals [V, 3]` are the head's, in metres.
    """
    runs = {part: slice(*PARTS[part]) for part in LENDERS}
    parts = (face.nearest(mean[run], normals[run], LENDERS[part]) for part, run in runs.items())
    return Lookup.joined((*parts, *face.nearest_on_eyes(mean, eyeballs)))


def colours(face: Correspondence, lent: Lookup) -> Floats:
    """Return `[SHOWN, 3]`: the built-in head's colours; all teeth are as light as its lightest."""
    found = lent.of(face.builtin.texture_mean)
    found[slice(*PARTS["teeth"])] = np.percentile(face.builtin.texture_mean[face.builtin.regions["teeth"]], 90, axis=0)
    return found


def in_one_square(kit: FaceKit, triangles: Integers, uv_triangles: Integers) -> tuple[Integers, Floats]:
    """Return for each corner `[T, 3]` a row of the UVs `[3T, 2]`, with the model's squares side by side in one."""
    corners = kit.uvs[uv_triangles]
    square = np.floor(corners.mean(1)[:, 0]).astype(int)
    part = np.array(["face", "head", "gums", "teeth"])[np.clip(square, 0, 3)].astype("U9")
    for eye in ("left eye", "right eye"):
        part[(triangles[:, 0] >= PARTS[eye][0]) & (triangles[:, 0] < PARTS[eye][1])] = eye
    sides = np.array([TILES[name] for name in part], np.float32)[:, None, None]
    places = np.array([PLACES[name] for name in part], np.float32)[:, None]
    within = np.stack([corners[..., 0] - square[:, None], 1 - corners[..., 1]], -1)
    uvs, rows = np.unique((np.clip(within, 0, 1) * sides + places).reshape(-1, 2), axis=0, return_inverse=True)
    return rows.reshape(-1, 3).astype(np.int32), uvs.astype(np.float32)


def eyeball(mean: Floats, start: int, stop: int) -> Eyeball:
    """Return the eyeball of the vertices `start` to `stop` of `mean [V, 3]`; it turns about its sphere's centre."""
    return eyeball_about(sphere_centre(mean[start : start + SCLERA]), mean, start, stop)


def cut_eyeball(mean: Floats, eyeball: Eyeball, cut: CutMesh) -> Eyeball:
    """Return where an eyeball of `mean [V, 3]` is after the mesh was cut at its seams."""
    start, stop = (int(end) for end in cut.place(np.array([eyeball.start, eyeball.stop])))
    return eyeball_about(centre(mean, eyeball), mean[cut.origin], start, stop)
