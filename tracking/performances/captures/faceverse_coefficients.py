# SPDX-License-Identifier: GPL-3.0-or-later
"""FaceVerse's coefficient vectors, as its own trackers save them, to and from performances.

A vector holds identity, expression, texture, light (27 spherical harmonics), the head's angles and translation and the
eyeballs' angles. Version 2 has 486 numbers (no eyes), version 3 490, version 4 621; each has a camera of its own.
Facts of the formats: FaceVerse and FaceVerse_v4 repositories, LizhenWangT.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ....common.errors import UserError
from ....common.files import written_whole
from ...heads import faceverse, faceverse_v2, faceverse_v4
from ...heads.camera import PinholeCamera
from ...heads.faceverse_file import FaceVerseHead
from ...heads.unpickling import load_array_dict
from ..performance import Performance
from .capture_format import CaptureFormat

if TYPE_CHECKING:
    from ...heads.arrays import Floats
    from ...heads.head import MorphableHead

CAMERA_DISTANCE = 10.0
"""The camera's distance from the origin of translations, in the file's units."""
V4_WINDOW = 256


@dataclass(frozen=True)
class Convention:
    """How a version arranges its vectors and looks at the head.

    Attributes:
        parts: name and length of the parts of a vector, in order.
        axes: what each axis of its camera space is multiplied by to become ours; the head's own axes are ours already.
    """

    parts: tuple[tuple[str, int], ...]
    axes: tuple[int, int, int] = (1, 1, 1)

    @property
    def length(self) -> int:
        """Numbers in a vector."""
        return sum(length for _, length in self.parts)

    def split(self, vectors: Floats) -> dict[str, Floats]:
        """Return the parts `[T, n]` of `vectors [T, length]`."""
        ends = pairwise(accumulate((length for _, length in self.parts), initial=0))
        return {name: vectors[:, start:stop] for (name, _), (start, stop) in zip(self.parts, ends, strict=True)}


def read_coefficients(path: str | Path, head: MorphableHead, size: int = 512, fps: float = 25.0) -> Performance:
    """Read the coefficient vectors of a take: an `.npy` file of one or more vectors, or a folder with a file a frame.

    Identity, texture and light are the means over the frames. `size` is the side in pixels of the square window that
    versions 2 and 3 were tracked in, which the vectors do not say; `fps` its frame rate.

    Raises:
        UserError: a file is absent, damaged, of another length than the head's vectors, or holds anything but numbers.
    """
    path = Path(path)
    head = faceverse_head(head)
    convention = CONVENTIONS[head.name]
    files = sorted(path.glob("*.npy")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"There are no .npy files in {path}; choose a folder of FaceVerse coefficients.")
    vectors, boxes = zip(*(read_vectors(file, head.name, convention.length) for file in files), strict=True)
    parts = convention.split(np.concatenate(vectors))
    frames = len(parts["angles"])
    axes = np.array(convention.axes, np.float32)
    distance = np.array([0, 0, CAMERA_DISTANCE], np.float32)
    native = parts["expression"]
    return Performance(
        head=head.name,
        identity=parts["identity"].mean(0),
        texture=parts["texture"].mean(0),
        expression=head.native.arkit(native) if head.native else native,
        rotation=axes[:, None] * rotations(parts["angles"]),
        translation=(parts["translation"] * axes + distance) * np.float32(head.unit),
        gaze=parts["eyes"].reshape(-1, 2, 2) if "eyes" in parts else np.zeros((frames, 2, 2), np.float32),
        confidence=np.ones(frames, np.float32),
        times=np.arange(frames) / fps,
        camera=camera_of(head, size),
        fps=fps,
        extra={
            "light": parts["light"].mean(0).tolist(),
            **({"bbox_list": np.concatenate(boxes).tolist()} if all(len(box) for box in boxes) else {}),
        },
    )


def write_coefficients(performance: Performance, head: MorphableHead, path: str | Path) -> None:
    """Write the coefficient vectors of a take as one `.npy` file, `[T, n]`; for version 4 as the dict that it reads.

    Through another camera than the version's, the head keeps its place and size in the picture and moves in depth.

    Raises:
        UserError: the performance is another head's.
    """
    head = faceverse_head(head)
    convention = CONVENTIONS[head.name]
    if performance.head != head.name or len(performance.identity) != len(head.identity_basis):
        raise UserError(f"The performance is for the head {performance.head}, not for {head.name}; retarget it first.")
    frames = len(performance)
    axes = np.array(convention.axes, np.float32)
    distance = np.array([0, 0, CAMERA_DISTANCE], np.float32)
    seen = through(performance, camera_of(head, performance.camera.width))
    light = np.asarray(performance.extra.get("light", np.zeros(27)), np.float32)
    expression = performance.expression
    parts = {
        "identity": np.tile(performance.identity, (frames, 1)),
        "expression": head.native.native(expression) if head.native else expression,
        "texture": np.tile(performance.texture, (frames, 1)),
        "light": np.tile(light, (frames, 1)),
        "angles": angles(axes[:, None] * performance.rotation),
        "translation": (seen / np.float32(head.unit) - distance) * axes,
        "eyes": performance.gaze.reshape(frames, 4),
    }
    vectors = np.concatenate([parts[name] for name, _ in convention.parts], 1).astype(np.float32)
    boxes = np.asarray(performance.extra.get("bbox_list", ()), np.float32)
    if len(boxes) != frames:
        boxes = np.tile(np.array([0, 0, V4_WINDOW, V4_WINDOW], np.float32), (frames, 1))
    content: Any = vectors
    if head.name == faceverse_v4.NAME:
        content = np.array({"coeffs": vectors, "bbox_list": boxes}, object)
    with written_whole(path) as partial, partial.open("wb") as file:
        np.save(file, content, allow_pickle=content is not vectors)


def faceverse_head(head: MorphableHead) -> FaceVerseHead:
    """Return a FaceVerse head. Raises UserError for another one."""
    if not isinstance(head, FaceVerseHead):
        raise UserError(f"The head {head.name} has no coefficient vectors; choose a FaceVerse head.")
    return head


def camera_of(head: MorphableHead, size: int) -> PinholeCamera:
    """Return the camera of a version's vectors; version 4 always looks through a window of 256 pixels."""
    if head.name == faceverse_v4.NAME:
        return PinholeCamera(1000.0, 1000.0, V4_WINDOW / 2, V4_WINDOW / 2, V4_WINDOW, V4_WINDOW)
    focal = float(int(1315 / 512 * size))
    return PinholeCamera(focal, focal, float(size // 2), float(size // 2), size, size)


def read_vectors(path: Path, head: str, length: int) -> tuple[Floats, Floats]:
    """Return vectors `[T, length]` and boxes `[T, 4]` (none: `[0, 4]`) of one file.

    Raises:
        UserError: see `read_coefficients`.
    """
    try:
        content: Any = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise UserError(f"There is no file at {path}; choose a file of FaceVerse coefficients.") from error
    except (ValueError, OSError, EOFError):
        content = load_array_dict(path)
    boxes: Any = np.empty((0, 4), np.float32)
    if isinstance(content, dict):
        boxes = np.asarray(content.get("bbox_list", boxes))
        content = content.get("coeffs")
    if not isinstance(content, np.ndarray) or content.dtype.kind not in "fiu" or content.ndim not in (1, 2):
        raise UserError(f"{path} holds no FaceVerse coefficients; choose a file that its tracker saved.")
    vectors = np.atleast_2d(content).astype(np.float32)
    if vectors.shape[1] != length:
        raise UserError(
            f"{path} has vectors of {vectors.shape[1]} numbers, and those of {head} have {length}; choose its own head."
        )
    if not len(vectors) or not np.isfinite(vectors).all():
        raise UserError(f"{path} is damaged: its coefficients are not all numbers; track the footage again.")
    fits = boxes.shape == (len(vectors), 4) and boxes.dtype.kind in "fiu" and np.isfinite(boxes).all()
    return vectors, boxes.astype(np.float32) if fits else np.empty((0, 4), np.float32)


def rotations(angles: Floats) -> Floats:
    """Return `[T, 3, 3]` of `angles [T, 3]` about x, then y, then z, in radians."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles.T), np.sin(angles.T)
    rows = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    return np.moveaxis(np.array(rows, np.float32), -1, 0)


def angles(rotations: Floats) -> Floats:
    """Return `[T, 3]`, the angles of which `rotations [T, 3, 3]` are made; the one about z is 0 where y is upright."""
    across = np.hypot(rotations[:, 0, 0], rotations[:, 1, 0])
    plain = across > 1e-6
    x = np.where(
        plain,
        np.arctan2(rotations[:, 2, 1], rotations[:, 2, 2]),
        np.arctan2(-rotations[:, 1, 2], rotations[:, 1, 1]),
    )
    z = np.where(plain, np.arctan2(rotations[:, 1, 0], rotations[:, 0, 0]), 0)
    return np.column_stack([x, np.arctan2(-rotations[:, 2, 0], across), z]).astype(np.float32)


def through(performance: Performance, camera: PinholeCamera) -> Floats:
    """Return translations `[T, 3]` by which another camera sees the head where, and as large as, the performance's."""
    own = performance.camera
    x, y, z = performance.translation.T.astype(np.float64)
    depth = z * (camera.fx / camera.width) / (own.fx / own.width)
    across = (own.fx * x / z + own.cx) / own.width * camera.width - camera.cx
    down = (own.fy * y / z + own.cy) / own.height * camera.height - camera.cy
    return np.column_stack([across * depth / camera.fx, down * depth / camera.fy, depth]).astype(np.float32)


AFTER_EXPRESSION = (("texture", 251), ("angles", 3), ("light", 27), ("translation", 3))
V2 = Convention((("identity", 150), ("expression", 52), *AFTER_EXPRESSION), axes=(1, -1, -1))
CONVENTIONS = {
    faceverse_v2.NAME: V2,
    faceverse_v2.SIMPLIFIED_NAME: V2,
    faceverse.NAME: Convention((("identity", 150), ("expression", 52), *AFTER_EXPRESSION, ("eyes", 4))),
    faceverse_v4.NAME: Convention(
        (
            ("identity", 156),
            ("expression", 177),
            ("texture", 251),
            ("light", 27),
            ("angles", 3),
            ("translation", 3),
            ("eyes", 4),
        )
    ),
}
"""By the head's name. Version 2 looks along -z with y up, so that a head upright before it is turned about x by pi."""

FACEVERSE = CaptureFormat(
    name="faceverse",
    title="FaceVerse's coefficients (with --head)",
    suffix=".npy",
    recognises=lambda file: file.start.startswith(b"\x93NUMPY"),
    read=lambda file, head: read_coefficients(file.path, head),
    write=lambda performance, path, head: write_coefficients(performance, head, path),
    needs_its_head=True,
)
