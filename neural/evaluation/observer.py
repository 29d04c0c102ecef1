# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as the metrics see them, and the figures of a row of pictures, gathered frame by frame."""

from __future__ import annotations

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
from .figures import NO_DETECTOR, NO_FACE, NO_HEAD, NOBODY, STILL_MOUTH, TOO_FEW, WEIGHTS_MISSING, Figure, Figures
from .perceptual_metrics import Inception, Lpips, frechet_distance
from .retracking import Distances, Retracked, retracked

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        self._frames: list[Compared] = []
        self._before: tuple[int, Floats] | None = None
        self._retracked: Retracked | None = None

    def add(
        self,
        index: int,
        own: Observed,
        truth: Observed,
        matte: Floats,
        face: NDArray[np.bool_],
        region: NDArray[np.bool_] | None = None,
    ) -> None:
        """Compare the picture of a frame with the footage.

        Args:
            index: number of the frame in the footage; flicker is measured between neighbours.
            own, truth: picture and footage.
            matte: `[R, R]`, 0 to 1; face: bool `[R, R]`, where sharpness is measured.
            region: bool `[R, R]`, where PSNR and SSIM are measured; everywhere by default.
        """
        error = own.picture - truth.picture
        inside = metrics.inside(matte)
        follows = self._before is not None and self._before[0] == index - 1
        values = {
            "psnr": metrics.psnr(own.picture, truth.picture, region),
            "psnr_inside": metrics.psnr(own.picture, truth.picture, inside) if inside.any() else None,
            "ssim": metrics.ssim(own.picture, truth.picture, region),
            "ms_ssim": metrics.ms_ssim(own.picture, truth.picture),
            "energy": metrics.high_band_energy(own.picture, face),
            "true_energy": metrics.high_band_energy(truth.picture, face),
            "flicker": metrics.flicker(error, self._before[1], matte) if self._before and follows else None,
            "lpips": self._observer.perceptual_distance(own.picture, truth.picture),
            "csim": likeness_of(own.identity, truth.identity),
        }
        measured = {name: value for name, value in values.items() if value is not None}
        faces, features = (own.landmarks, truth.landmarks), (own.inception, truth.inception)
        self._frames.append(Compared(measured, faces, features))
        self._before = index, error
        self._retracked = None

    def figures(
        self, head: MorphableHead | None, camera: PinholeCamera, chosen: Sequence[int] | None = None
    ) -> Figures:
        """Return the figures of the frames so far, at least one.

        Args:
            head: whose expressions are compared; None where it is not there.
            camera: of the pictures, in their pixels.
            chosen: which of the frames, by the order in which they were added; all by default.
        """
        places = range(len(self._frames)) if chosen is None else chosen
        frames = [self._frames[place] for place in places]
        identity = self._observer.without_face if self._observer.arcface else WEIGHTS_MISSING
        return Figures(
            psnr=float(np.mean(values_of(frames, "psnr"))),
            psnr_inside=mean_of(frames, "psnr_inside", NOBODY),
            ssim=float(np.mean(values_of(frames, "ssim"))),
            ms_ssim=float(np.mean(values_of(frames, "ms_ssim"))),
            sharpness=metrics.sharpness(values_of(frames, "energy"), values_of(frames, "true_energy")),
            flicker=mean_of(frames, "flicker", TOO_FEW),
            **self._tracked(head, camera, places),
            lpips=mean_of(frames, "lpips", WEIGHTS_MISSING),
            fid=self._frechet_distance(frames),
            csim=mean_of(frames, "csim", identity),
        )

    def _tracked(self, head: MorphableHead | None, camera: PinholeCamera, places: Sequence[int]) -> dict[str, Figure]:
        """Expression, pose and keypoints, and how often a face is found."""
        visible = [own is not None for own, true in (self._frames[place].faces for place in places) if true is not None]
        found = float(np.mean(visible)) if visible else self._observer.without_face
        if head and self._retracked is None:
            own, true = zip(*(frame.faces for frame in self._frames), strict=True)
            self._retracked = retracked(own, true, head, camera)
        distances = self._retracked.distances(places) if head and self._retracked else None
        if distances is None:
            without = self._observer.without_face if head else NO_HEAD
            return {**{field.name: without for field in fields(Distances)}, "found": found}
        measured = {name: STILL_MOUTH if value is None else value for name, value in asdict(distances).items()}
        return {**measured, "found": found}

    def _frechet_distance(self, frames: Sequence[Compared]) -> Figure:
        if self._observer.inception is None:
            return WEIGHTS_MISSING
        if len(frames) < 2:
            return TOO_FEW
        distance = frechet_distance()
        for frame in frames:
            for features, real in zip(frame.features, (False, True), strict=True):
                if features is not None:
                    distance.update(features, real=real)
        return float(distance.compute())


@dataclass(frozen=True)
class Compared:
    """What is kept of a frame, of a picture and of the footage.

    Attributes:
        values: figures that are known of the frame alone, by name.
        faces: landmarks of both; features: Inception's of both; see `Observed`.
    """

    values: dict[str, float]
    faces: tuple[Landmarks | None, Landmarks | None]
    features: tuple[torch.Tensor | None, torch.Tensor | None]


def values_of(frames: Sequence[Compared], name: str) -> list[float]:
    """Return a figure of all frames that have it."""
    return [frame.values[name] for frame in frames if name in frame.values]


def mean_of(frames: Sequence[Compared], name: str, without: str) -> Figure:
    """Return the mean of a figure, or what to say when no frame has it."""
    values = values_of(frames, name)
    return float(np.mean(values)) if values else without


def likeness_of(own: Floats | None, true: Floats | None) -> float | None:
    """Return the cosine between two codes of faces `[N]` of length 1; None unless both are known."""
    return None if own is None or true is None else float(own @ true)


def opened_detector() -> LandmarkDetector | None:
    """Return what finds faces; None where MediaPipe is missing, as on a machine that is there for training."""
    try:
        return LandmarkDetector(still=True)
    except ImportError:
        return None
