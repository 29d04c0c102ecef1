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
from ...common.file_format import FileFormat
from ...common.files import written_whole
from ..heads.arrays import Booleans, Floats, Numbers
from ..heads.camera import PinholeCamera
from ..heads.head import ARKIT_NAMES

FORMAT = FileFormat("semblance-performance", 2)

REGIONS = ("leftEye", "rightEye", "brows", "mouth", "skin")
"""The regions of a face with a confidence of their own; the skin is all the rest: forehead, nose, cheeks, contour."""
TRUSTED = 0.5
"""Frames and regions with less confidence are guesses: nothing is trained on them or measured by them."""


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
        confidence: `[T]`, 0 (no face) to 1; below `TRUSTED` something hides the face.
        times: `[T]` seconds from the first frame of the source.
        camera: intrinsics of the central window.
        crop: that window in the source picture; None for a performance without footage.
        fps: nominal frame rate.
        source: path of the footage; empty when there is none.
        extra: anything else worth keeping, JSON only.
        region_confidence: `[T, 5]`, the same of each of the `REGIONS`; the frame's for all of them when not given.
    """

    head: str
    identity: Floats
    texture: Floats
    expression: Floats
    rotation: Floats
    translation: Floats
    gaze: Floats
    confidence: Floats
    times: Numbers
    camera: PinholeCamera
    crop: Crop | None = None
    fps: float = 25.0
    source: str = ""
    extra: dict[str, Any] = field(default_factory=dict)
    region_confidence: Floats = None  # type: ignore[assignment]  # never None once made

    def __post_init__(self) -> None:
        if self.region_confidence is None:
            object.__setattr__(self, "region_confidence", for_all_regions(self.confidence))

    def __len__(self) -> int:
        return len(self.expression)

    @property
    def trusted(self) -> Booleans:
        """Return `[T]`: the frames that may be trained on and measured by."""
        return self.confidence >= TRUSTED

    def at(self, frames: slice | Numbers) -> Performance:
        """The performance at some of its frames only: a slice, or numbers `[N]` or a mask `[T]` of frames."""
        return replace(self, **{name: getattr(self, name)[frames] for name in OVER_TIME})

    def lost_at(self, frames: Booleans) -> Performance:
        """The performance with no confidence in some of its frames, `[T]`."""
        confidence, regions = self.confidence.copy(), self.region_confidence.copy()
        confidence[frames], regions[frames] = 0, 0
        return replace(self, confidence=confidence, region_confidence=regions)

    def save(self, path: str | Path) -> None:
        """Write the performance whole or not at all.

        Raises:
            UserError: the disk is full.
        """
        header = {
            **FORMAT.header,
            "head": self.head,
            "expression_names": list(ARKIT_NAMES),
            "camera": asdict(self.camera),
            "crop": asdict(self.crop) if self.crop else None,
            "fps": self.fps,
            "source": self.source,
            "extra": self.extra,
        }
        names = ("identity", "texture", *(name for name in OVER_TIME if name != "times"))
        arrays = {name: np.asarray(getattr(self, name), np.float32) for name in names}
        times = np.asarray(self.times, np.float64)
        with written_whole(path) as partial, partial.open("wb") as file:
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
        damaged = f"{path} is not a performance file or is damaged; track the footage again."
        try:
            with np.load(path, allow_pickle=False) as file:
                header = json.loads(str(file["header"]))
                version = FORMAT.version_in(
                    header,
                    foreign=f"{path} is not a performance file.",
                    newer=f"{path} was written by a newer Semblance; update Semblance to read it.",
                    damaged=damaged,
                )
                arrays = {name: file[name] for name in ("identity", "texture", *names_in(version))}
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise UserError(damaged) from error
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


OVER_TIME = ("expression", "rotation", "translation", "gaze", "confidence", "region_confidence", "times")
"""The arrays of a performance that have a row a frame."""


def for_all_regions(confidence: Floats) -> Floats:
    """Return `[T, 5]`: frames of which no region is known better than the others, `confidence [T]`."""
    return np.repeat(np.asarray(confidence, np.float32)[:, None], len(REGIONS), 1)


def names_in(version: int) -> tuple[str, ...]:
    """The arrays over time in a performance file of this version; version 1 knew no regions."""
    return OVER_TIME if version > 1 else tuple(name for name in OVER_TIME if name != "region_confidence")


def shapes_agree(arrays: dict[str, Numbers]) -> bool:
    """Tell whether the arrays of a performance file have the `[shape]` that `Performance` promises of each."""
    frames = len(arrays["times"])
    expected = {
        "expression": (frames, len(ARKIT_NAMES)),
        "rotation": (frames, 3, 3),
        "translation": (frames, 3),
        "gaze": (frames, 2, 2),
        "confidence": (frames,),
        "region_confidence": (frames, len(REGIONS)),
    }
    flat = arrays["identity"].ndim == arrays["texture"].ndim == 1
    return flat and all(arrays[name].shape == shape for name, shape in expected.items() if name in arrays)
