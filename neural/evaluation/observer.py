# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as the metrics see them, and the figures of a row of pictures, gathered frame by frame."""

from __future__ import annotations

from collections import defaultdict
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...tracking.datasets.writer import as_bytes
from ...tracking.detection.landmarks import LandmarkDetector, Landmarks
from ..pretrained import weights
from ..pretrained.arcface import ArcFace
from . import metrics
from .figures import NO_DETECTOR, NO_FACE, NO_HEAD, STILL_MOUTH, TOO_FEW, WEIGHTS_MISSING, Figure, Figures
from .perceptual_metrics import Inception, Lpips, frechet_distance
from .retracking import Distances, retracked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats, Image
    from ...tracking.heads.camera import PinholeCamera
    from ...tracking.heads.head import MorphableHead


@dataclass(frozen=True)
class Observed:
    """A picture of one frame, and what networks say of it; None where they or their weights are not there.

    Attributes:
        picture: `[R, R, 3]`, 0 to 1, background removed.
        landmarks: `[478, 3]` pixels; None too where no face is found.
        inception: features `[1, 2048]`; identity: ArcFace's code of the face, `[N]` of length 1.
    """

    picture: Floats
    landmarks: Landmarks | None
    inception: torch.Tensor | None
    identity: Floats | None


class Observer(AbstractContextManager["Observer"]):
    """Looks at pictures with all networks whose weights are on this machine; use it in a `with` statement.

    Every picture is looked at alone: a face is not followed from frame to frame, since nearest frames jump.

    Attributes:
        without_face: why faces are not measured where none was found.
    """

    def __init__(self, device: str) -> None:
        """Load the networks onto `device`, "cuda" or "cpu".

        Raises:
            UserError: a file of weights is damaged or holds others.
        """
        self.device = device
        alexnet, inception, arcface = map(weights.find, ("alexnet", "inception", "arcface"))
        self.lpips = Lpips.from_file(alexnet).to(device) if alexnet else None
        self.inception = Inception(inception, device) if inception else None
        self.arcface = ArcFace(arcface) if arcface else None
        self._detector = opened_detector()
        self.without_face = NO_FACE if self._detector else NO_DETECTOR

    def __exit__(self, *_error: object) -> None:
        if self._detector:
            self._detector.close()

    def look(self, rgb: Image, matte: Floats) -> Observed:
        """See a picture, RGB uint8 `[R, R, 3]`, over black by a matte `[R, R]`, 0 to 1."""
        picture = metrics.without_background(rgb, matte)
        shown = as_bytes(picture)
        landmarks = self._detector.detect(shown) if self._detector else None
        return Observed(
            picture,
            landmarks,
            self.inception.features(picture) if self.inception else None,
            self.arcface.code(shown, landmarks) if self.arcface and landmarks is not None else None,
        )

    @torch.inference_mode()
    def perceptual_distance(self, picture: Floats, truth: Floats) -> float | None:
        """Return the LPIPS of two pictures `[R, R, 3]`, 0 to 1; None without its weights."""
        if self.lpips is None:
            return None
        return float(self.lpips(*(metrics.as_batch(each).to(self.device) for each in (picture, truth))))


class Row:
    """The figures of one row of pictures, gathered frame by frame; no picture is kept but the last one."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._values: defaultdict[str, list[float]] = defaultdict(list)
        self._faces: list[tuple[Landmarks | None, Landmarks | None]] = []
        self._frechet = frechet_distance() if observer.inception else None
        self._before: tuple[int, Floats] | None = None

    def add(self, index: int, own: Observed, truth: Observed, matte: Floats, face: NDArray[np.bool_]) -> None:
        """Compare the picture of a frame with the footage.

        Args:
            index: number of the frame in the footage; flicker is measured between neighbours.
            own, truth: picture and footage.
            matte: `[R, R]`, 0 to 1; face: bool `[R, R]`, where sharpness is measured.
        """
        note, error = self._note, own.picture - truth.picture
        note("psnr", metrics.psnr(own.picture, truth.picture))
        note("ssim", metrics.ssim(own.picture, truth.picture))
        note("ms_ssim", metrics.ms_ssim(own.picture, truth.picture))
        note("energy", metrics.high_band_energy(own.picture, face))
        note("true_energy", metrics.high_band_energy(truth.picture, face))
        if self._before and self._before[0] == index - 1:
            note("flicker", metrics.flicker(error, self._before[1], matte))
        note("lpips", self._observer.perceptual_distance(own.picture, truth.picture))
        if own.identity is not None and truth.identity is not None:
            note("csim", float(own.identity @ truth.identity))
        if self._frechet and own.inception is not None and truth.inception is not None:
            self._frechet.update(own.inception, real=False)
            self._frechet.update(truth.inception, real=True)
        self._faces.append((own.landmarks, truth.landmarks))
        self._before = index, error

    def figures(self, head: MorphableHead | None, camera: PinholeCamera) -> Figures:
        """Return the figures of all frames so far, at least one.

        Args:
            head: whose expressions are compared; None where it is not there.
            camera: of the pictures, in their pixels.
        """
        return Figures(
            psnr=float(np.mean(self._values["psnr"])),
            ssim=float(np.mean(self._values["ssim"])),
            ms_ssim=float(np.mean(self._values["ms_ssim"])),
            sharpness=metrics.sharpness(self._values["energy"], self._values["true_energy"]),
            flicker=self._mean("flicker", TOO_FEW),
            **self._tracked(head, camera),
            lpips=self._mean("lpips", WEIGHTS_MISSING),
            fid=self._frechet_distance(),
            csim=self._mean("csim", self._observer.without_face if self._observer.arcface else WEIGHTS_MISSING),
        )

    def _note(self, name: str, value: float | None) -> None:
        if value is not None:
            self._values[name].append(value)

    def _mean(self, name: str, without: str) -> Figure:
        return float(np.mean(self._values[name])) if self._values[name] else without

    def _tracked(self, head: MorphableHead | None, camera: PinholeCamera) -> dict[str, Figure]:
        """Expression, pose and keypoints, and how often a face is found."""
        own, true = zip(*self._faces, strict=True)
        visible = [mine is not None for mine, theirs in self._faces if theirs is not None]
        found = float(np.mean(visible)) if visible else self._observer.without_face
        distances = retracked(own, true, head, camera) if head else None
        if distances is None:
            without = self._observer.without_face if head else NO_HEAD
            return {**{field.name: without for field in fields(Distances)}, "found": found}
        measured = {name: STILL_MOUTH if value is None else value for name, value in asdict(distances).items()}
        return {**measured, "found": found}

    def _frechet_distance(self) -> Figure:
        if self._frechet is None:
            return WEIGHTS_MISSING
        return float(self._frechet.compute()) if len(self._faces) > 1 else TOO_FEW


def opened_detector() -> LandmarkDetector | None:
    """Return what finds faces; None where MediaPipe is missing, as on a machine that is there for training."""
    try:
        return LandmarkDetector(still=True)
    except ImportError:
        return None
