# SPDX-License-Identifier: GPL-3.0-or-later
"""A performance: coefficients, pose and gaze over time, in one `.npz` file without pickles."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...common.errors import UserError
from ...common.files import written_whole
from .camera import PinholeCamera
from .head import ARKIT_NAMES, Floats

FORMAT, VERSION = "semblance-performance", 1


@dataclass(frozen=True)
class Crop:
    """The square window of the footage that the avatar shows, in pixels of the upright source picture.

    `x, y` is the top left corner of the central window and `side` its length; it may reach past the picture.
    The dataset's images show the window enlarged 1.5 times about its centre (Sec. 3.1).
    """

    x: float
    y: float
    side: float


@dataclass(frozen=True)
class Performance:
    """What a head does over time, for one person seen by one camera.

    Attributes:
        head: name of the morphable head that the coefficients belong to.
        identity: `[I]`; texture: `[K]`: constant over time.
        expression: `[T, 52]`, 0 to 1, in the order of `ARKIT_NAMES`.
        rotation: `[T, 3, 3]` head space to camera space; translation: `[T, 3]` metres.
        gaze: `[T, 2, 2]` radians: left, right; pitch (positive down), yaw (positive to the subject's right).
        confidence: `[T]`, 0 (no face) to 1.
        times: `[T]` seconds from the first frame of the source.
        camera: intrinsics of the central window.
        crop: that window in the source picture; None for a performance without footage.
        fps: nominal frame rate.
        source: path of the footage; empty when there is none.
        extra: anything else worth keeping, JSON only.
    """

    head: str
    identity: Floats
    texture: Floats
    expression: Floats
    rotation: Floats
    translation: Floats
    gaze: Floats
    confidence: Floats
    times: np.ndarray
    camera: PinholeCamera
    crop: Crop | None = None
    fps: float = 25.0
    source: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.expression)

    def at(self, frames: slice | np.ndarray) -> Performance:
        """The performance at some of its frames only."""
        return replace(self, **{name: getattr(self, name)[frames] for name in OVER_TIME})

    def save(self, path: str | Path) -> None:
        """Write the performance whole or not at all."""
        header = {
            "format": FORMAT,
            "version": VERSION,
            "head": self.head,
            "expression_names": list(ARKIT_NAMES),
            "camera": asdict(self.camera),
            "crop": asdict(self.crop) if self.crop else None,
            "fps": self.fps,
            "source": self.source,
            "extra": self.extra,
        }
        names = ("identity", "texture", *OVER_TIME[:-1])
        arrays = {name: np.asarray(getattr(self, name), np.float32) for name in names}
        times = np.asarray(self.times, np.float64)
        with written_whole(path) as partial, open(partial, "wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), times=times, **arrays)

    @classmethod
    def load(cls, path: str | Path) -> Performance:
        """Read a performance file.

        Raises:
            UserError: the file is absent, damaged, of another kind or from a newer version.
        """
        path = Path(path)
        if not path.is_file():
            raise UserError(f"There is no performance file at {path}.")
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                arrays = {name: file[name] for name in ("identity", "texture", *OVER_TIME)}
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(f"{path} is not a performance file or is damaged; track the footage again.") from error
        if header.get("format") != FORMAT:
            raise UserError(f"{path} is not a performance file.")
        if header["version"] > VERSION:
            raise UserError(f"{path} was written by a newer Semblance; update Semblance to read it.")
        if header["expression_names"] != list(ARKIT_NAMES) or not shapes_agree(arrays):
            raise UserError(f"{path} is damaged: its arrays do not fit together; track the footage again.")
        return cls(
            head=header["head"],
            camera=PinholeCamera(**header["camera"]),
            crop=Crop(**header["crop"]) if header["crop"] else None,
            fps=header["fps"],
            source=header["source"],
            extra=header["extra"],
            **arrays,
        )


OVER_TIME = ("expression", "rotation", "translation", "gaze", "confidence", "times")
"""The arrays of a performance that have a row a frame."""


def shapes_agree(arrays: dict[str, np.ndarray]) -> bool:
    """Tell whether the arrays of a performance file have the shapes that `Performance` promises."""
    frames = len(arrays["times"])
    expected = {
        "expression": (frames, len(ARKIT_NAMES)),
        "rotation": (frames, 3, 3),
        "translation": (frames, 3),
        "gaze": (frames, 2, 2),
        "confidence": (frames,),
    }
    flat = arrays["identity"].ndim == arrays["texture"].ndim == 1
    return flat and all(arrays[name].shape == shape for name, shape in expected.items())
