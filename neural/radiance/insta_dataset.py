# SPDX-License-Identifier: GPL-3.0-or-later
"""INSTA's datasets, read and written: `transforms_train.json`, `transforms_val.json`, `transforms_test.json`.

Each frame has an RGBA picture, a posed mesh (OBJ), the expression as text, and perhaps a depth picture (16 bits). The
matrix of a frame takes its camera to the world; cameras look along -z with y up, as in NeRF.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from ...common.errors import UserError
from ...common.files import written_whole
from ...tracking.heads.camera import PinholeCamera
from ...tracking.heads.obj_meshes import lines_by_kind, read_obj_vertices
from .scene import HeadSurface, RadianceScene

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats, Integers

SPLITS = ("train", "val", "test")
TO_OPENCV = np.diag([1.0, -1.0, -1.0]).astype(np.float32)
"""NeRF's camera axes to OpenCV's, and back."""
MILLIMETRE = 1e-3
CANONICAL = "canonical.obj"
DEPTH_SCALE = "integer_depth_scale"


@dataclass(frozen=True)
class InstaDataset:
    """A dataset with the frames of each split, which are numbers of the scene's frames."""

    scene: RadianceScene
    splits: dict[str, list[int]]


def read_insta(folder: Path) -> InstaDataset:
    """Read the splits that are there.

    The expression is as long as the files have it. The head at rest is `canonical.obj`, or else the first frame's.

    Raises:
        UserError: something is missing or damaged.
    """
    descriptions = {split: described(folder, split) for split in SPLITS}
    known = {split: description for split, description in descriptions.items() if description is not None}
    if not known:
        raise UserError(f"{folder} has no transforms_train.json; choose the folder of a dataset made for INSTA.")
    try:
        frames = [(description, frame) for description in known.values() for frame in description["frames"]]
        ends = np.cumsum([0, *(len(description["frames"]) for description in known.values())])
        scene = scene_of(folder, frames)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise UserError(f"The dataset in {folder} is damaged ({error}); make it again.") from error
    splits = {split: list(range(ends[i], ends[i + 1])) for i, split in enumerate(known)}
    return InstaDataset(scene, splits)


def described(folder: Path, split: str) -> dict[str, Any] | None:
    """Return what a split's file says; None without one."""
    path = folder / f"transforms_{split}.json"
    if not path.is_file():
        return None
    try:
        description: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is damaged; make the dataset again.") from error
    return description


def scene_of(folder: Path, frames: Sequence[tuple[dict[str, Any], dict[str, Any]]]) -> RadianceScene:
    """Read frames, each with the description of its split."""
    about = frames[0][0]
    fx, fy, cx, cy = (float(about[key]) for key in ("fl_x", "fl_y", "cx", "cy"))
    camera = PinholeCamera(fx, fy, cx, cy, int(about["w"]), int(about["h"]))
    vertices, rotations, expressions, pictures, depths = [], [], [], [], []
    for description, frame in frames:
        rotation, translation = world_to_camera(np.array(frame["transform_matrix"], np.float32))
        vertices.append(read_obj_vertices(folder / frame["mesh_path"]) @ rotation.T + translation)
        rotations.append(rotation)
        expressions.append(np.atleast_1d(np.loadtxt(folder / frame["exp_path"], dtype=np.float32)))
        pictures.append(rgba_of(folder, frame["file_path"]))
        if frame.get("depth_path"):
            depths.append(depth_of(folder / frame["depth_path"], float(description.get(DEPTH_SCALE, MILLIMETRE))))
    rgba = torch.from_numpy(np.stack(pictures))
    canonical = folder / CANONICAL
    first = folder / frames[0][1]["mesh_path"]
    return RadianceScene(
        surface=surface_from(canonical if canonical.is_file() else first, first),
        vertices=torch.from_numpy(np.stack(vertices)),
        expressions=torch.from_numpy(np.stack(expressions)),
        rotations=torch.from_numpy(np.stack(rotations)),
        colours=rgba[..., :3].contiguous(),
        alphas=rgba[..., 3].contiguous(),
        weights=torch.full(rgba.shape[:3], 255, dtype=torch.uint8),
        camera=camera,
        depths=torch.from_numpy(np.stack(depths)) if len(depths) == len(frames) else None,
    )


def surface_from(rest: Path, posed: Path) -> HeadSurface:
    """Return the surface with the shape of the mesh `rest` and the triangles of `posed`, of unknown parts."""
    vertices, triangles = read_obj_vertices(rest), triangles_of(posed)
    if triangles.min() < 0 or triangles.max() >= len(vertices):
        raise ValueError(f"{rest.name} and {posed.name} are different meshes")
    nowhere = np.zeros(len(vertices), bool)
    return HeadSurface(vertices, triangles, nowhere, nowhere, nowhere, vertices)


def triangles_of(path: Path) -> Integers:
    """Return `[T, 3]` of a mesh with or without UVs; polygons are cut fan-wise."""
    polygons = [[int(corner.split(b"/")[0]) - 1 for corner in line.split()] for line in lines_by_kind(path)[b"f"]]
    fans = [(polygon[0], polygon[k], polygon[k + 1]) for polygon in polygons for k in range(1, len(polygon) - 1)]
    return np.array(fans, np.int32)


def world_to_camera(matrix: Floats) -> tuple[Floats, Floats]:
    """Return rotation `[3, 3]` and translation `[3]` to OpenCV's axes, of NeRF's `matrix [4, 4]` camera to world."""
    rotation = (matrix[:3, :3] @ TO_OPENCV).T
    return rotation, -rotation @ matrix[:3, 3]


def rgba_of(folder: Path, name: str) -> NDArray[np.uint8]:
    """Read a picture `[H, W, 4]`, whose name may lack its suffix."""
    path = folder / name
    picture = read_png(path if path.suffix else path.with_suffix(".png"))
    if picture.ndim != 3 or picture.shape[2] != 4:
        raise ValueError(f"{name} has no alpha")
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA), np.uint8)


def depth_of(path: Path, scale: float) -> Floats:
    """Read a depth picture `[H, W]` in metres."""
    return read_png(path).astype(np.float32) * scale


def read_png(path: Path) -> NDArray[Any]:
    """Read a picture `[H, W]` or `[H, W, C]` as it is.

    Raises:
        UserError: it is missing or damaged.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise UserError(f"{path} is missing or damaged; make the dataset again.")
    return np.asarray(picture)


def write_insta(scene: RadianceScene, splits: dict[str, Sequence[int]], folder: Path) -> None:
    """Write a scene so that INSTA and others that read its format can train on it; the world is the camera's space."""
    for kind in ("images", "meshes", "exp", *(() if scene.depths is None else ("depth",))):
        (folder / kind).mkdir(parents=True, exist_ok=True)
    write_obj(folder / CANONICAL, scene.surface.rest, scene.surface.triangles)
    for split, numbers in splits.items():
        frames = [write_frame(scene, number, folder) for number in numbers]
        with written_whole(folder / f"transforms_{split}.json") as partial:
            partial.write_text(
                json.dumps(description_of(scene.camera) | {"frames": frames}, indent=1), encoding="utf-8"
            )


def description_of(camera: PinholeCamera) -> dict[str, float]:
    """What a split's file says of its camera."""
    return {
        "w": camera.width,
        "h": camera.height,
        "cx": camera.cx,
        "cy": camera.cy,
        "fl_x": camera.fx,
        "fl_y": camera.fy,
        "camera_angle_x": 2 * math.atan(camera.width / (2 * camera.fx)),
        "camera_angle_y": 2 * math.atan(camera.height / (2 * camera.fy)),
        DEPTH_SCALE: MILLIMETRE,
    }


def write_frame(scene: RadianceScene, number: int, folder: Path) -> dict[str, Any]:
    """Write a frame's files; return what its split's file says of it. The world is head space, turned by its pose."""
    name = f"{number:06d}"
    rotation = scene.rotations[number].numpy()
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.T @ TO_OPENCV
    write_obj(folder / "meshes" / f"{name}.obj", scene.vertices[number].numpy() @ rotation, scene.surface.triangles)
    np.savetxt(folder / "exp" / f"{name}.txt", scene.expressions[number].numpy(), "%.6f")
    rgba = torch.cat([scene.colours[number], scene.alphas[number][..., None]], -1).numpy()
    cv2.imwrite(str(folder / "images" / f"{name}.png"), cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))
    said = {
        "transform_matrix": matrix.tolist(),
        "file_path": f"images/{name}.png",
        "mesh_path": f"meshes/{name}.obj",
        "exp_path": f"exp/{name}.txt",
    }
    if scene.depths is not None:
        depth = np.round(scene.depths[number].numpy() / MILLIMETRE).astype(np.uint16)
        cv2.imwrite(str(folder / "depth" / f"{name}.png"), depth)
        said["depth_path"] = f"depth/{name}.png"
    return said


def write_obj(path: Path, vertices: Floats, triangles: Integers) -> None:
    """Write a mesh of `vertices [V, 3]` and `triangles [T, 3]`."""
    with written_whole(path) as partial, partial.open("wb") as file:
        np.savetxt(file, vertices, "v %.6f %.6f %.6f")
        np.savetxt(file, triangles + 1, "f %d %d %d")
