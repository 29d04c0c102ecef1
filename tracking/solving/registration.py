# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration of a take with itself: every frame is laid over what the skin looks like on average.

Detected landmarks are off by half a pixel or more, to another side as the head turns or an expression changes. Skin,
brows and lips look alike in all frames, so that comparing brightness says more exactly where the head is. This is the
photometric term of Eq. 2 at points of the skin, without light: brightness is band-passed, and the appearance is the
take's own average. The landmarks' solution is the prior. Eyes and mouth, where skin appears and vanishes, keep it:
their average is no face that anybody makes.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation

from ...common.clock import Clock
from ...common.progress import Listener, silent
from ..heads.head import ARKIT_NAMES, MorphableHead
from ..heads.shading import vertex_normals
from .sight import POSE, skew

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from ..heads.arrays import Booleans, Doubles, Floats, Image
    from ..heads.camera import PinholeCamera
    from ..performances.performance import Performance

SIDE = 256
"""Pixels of the central window's side in which frames are compared."""
FINEST, COARSEST = 0.8, 8.0
"""The band of brightness that is compared: deviations, in pixels, of the Gaussians whose difference it is."""
MOST_POINTS = 1000
SAMPLE = 100
"""Frames, at most, from which the appearance is learnt: they are kept in memory."""
ROUNDS, STEPS = 3, 2
"""How often the appearance is learnt anew, and Gauss-Newton's steps for a frame."""
FACING = -0.35
"""A point is seen where its normal's z in camera space is below this; -1 looks into the camera."""
SHARE_SEEN = 0.3
"""A point counts when it is seen, and lies still, in this share of the frames."""
EVIDENCE = 300.0
"""As how many independent measurements the points count; neighbours say the same."""
NOISE = 0.01
"""Deviation of brightness, 0 to 1, that is in every picture."""
OUTLYING = 3.0
"""Deviations from which on a difference is a hand, a shadow, a strand of hair."""
POSE_DEVIATION = np.array([0.012, 0.012, 0.012, 0.0008, 0.0008, 0.004])
"""How far landmarks are off: radians and metres; distance is seen least."""
EXPRESSION_DEVIATION = 0.06
STEADY_SECONDS = 0.06
"""Deviation of the Gaussian that smooths the corrections over time."""
KEPT = ("eye", "jaw", "mouth", "tongueOut")
FREE = np.flatnonzero([not name.startswith(KEPT) for name in ARKIT_NAMES])
"""The expressions that are corrected."""
HELD = np.setdiff1d(np.arange(len(ARKIT_NAMES)), FREE)
STRAYED = 0.001
"""A point that the other expressions move by so many metres counts half."""


def registered(
    head: MorphableHead,
    performance: Performance,
    pictures: Callable[[], Generator[Image, None, None]],
    listener: Listener = silent,
) -> Performance:
    """Return the performance with pose and expression corrected, so that its frames lie over each other.

    Args:
        head: the performance's.
        performance: of a take; frames that are not trusted are corrected like their neighbours in time.
        pictures: returns the central windows of all its frames in order, `[SIDE, SIDE, 3]` RGB; called twice.
        listener: hears of the progress and may cancel.
    """
    trusted = np.flatnonzero(performance.trusted)
    if len(trusted) < 2:
        return performance
    skin = Skin.of(head, performance)
    chosen = {int(index) for index in trusted[:: -(-len(trusted) // SAMPLE)]}
    clock = Clock("Aligning", 2 * len(performance), listener)
    details = {i: detail(picture) for i, picture in told(pictures(), 0, clock) if i in chosen}
    starts = {index: Placement.at(performance, index) for index in chosen}
    appearance = learnt(skin, starts, details, lambda: clock.tell(len(performance)))
    corrections = np.zeros((len(performance), POSE + len(FREE)))
    for index, picture in told(pictures(), len(performance), clock):
        if performance.trusted[index]:
            start = Placement.at(performance, index)
            found = aligned(skin, appearance, start, start, detail(picture))
            corrections[index] = found.since(start)
    corrections -= corrections[performance.trusted].mean(0)
    return corrected(performance, steadied(corrections, performance.trusted, performance.fps * STEADY_SECONDS))


@dataclass(frozen=True)
class Placement:
    """The head in one frame: `rotation [3, 3]`, `translation [3]` metres, `expression [52]`."""

    rotation: Doubles
    translation: Doubles
    expression: Doubles

    @classmethod
    def at(cls, performance: Performance, index: int) -> Placement:
        """That of a frame."""
        parts = performance.rotation[index], performance.translation[index], performance.expression[index]
        return cls(*(part.astype(np.float64) for part in parts))

    def moved(self, change: Doubles) -> Placement:
        """After a change `[6 + F]`: a turn in camera space, a shift, and the `FREE` expressions."""
        expression = self.expression.copy()
        expression[FREE] = np.clip(expression[FREE] + change[POSE:], 0, 1)
        turn = Rotation.from_rotvec(change[:3]).as_matrix()
        return Placement(turn @ self.rotation, self.translation + change[3:POSE], expression)

    def since(self, start: Placement) -> Doubles:
        """The change `[6 + F]` that leads here from `start`."""
        turn = Rotation.from_matrix(self.rotation @ start.rotation.T).as_rotvec()
        expression = (self.expression - start.expression)[FREE]
        return np.concatenate([turn, self.translation - start.translation, expression])


@dataclass(frozen=True)
class Skin:
    """Points of a person's skin that are compared.

    Attributes:
        neutral: `[N, 3]`; basis: `[52, N, 3]`; normals: `[N, 3]`, of the neutral face: all in head space.
        camera: of the pictures.
    """

    neutral: Doubles
    basis: Doubles
    normals: Doubles
    camera: PinholeCamera

    @classmethod
    def of(cls, head: MorphableHead, performance: Performance) -> Skin:
        """Spread over the face region of the performance's person, without eyes and the inside of the mouth."""
        region = head.uv_mask > 0.5
        for name in ("eyes", "mouth"):
            region &= ~head.regions.get(name, np.zeros(len(region), bool))
        points = np.flatnonzero(region)
        points = points[:: -(-len(points) // MOST_POINTS)]
        neutral = head.neutral(performance.identity)
        basis, normals = head.expressions(neutral)[:, points], vertex_normals(neutral, head.triangles)[points]
        shape, moves, directions = (part.astype(np.float64) for part in (neutral[points], basis, normals))
        return cls(shape, moves, directions, performance.camera.resized(SIDE, SIDE))

    def in_camera_space(self, placement: Placement) -> Doubles:
        """The points `[N, 3]` in camera space."""
        shape = self.neutral + np.tensordot(placement.expression, self.basis, 1)
        return shape @ placement.rotation.T + placement.translation

    def projected(self, points: Doubles) -> Doubles:
        """Where points `[N, 3]` in camera space are in the picture: `[N, 2]` pixels."""
        return self.camera.project(points.astype(np.float32)).astype(np.float64)

    def weights(self, placement: Placement, pixels: Doubles) -> Doubles:
        """How much points `[N]` count, 0 to 1: none that is turned away or out of the picture, few of a moved mouth."""
        facing = self.normals @ placement.rotation[2] < FACING
        seen = facing & ((pixels > 1) & (pixels < SIDE - 1)).all(1)
        moved = np.square(np.tensordot(placement.expression[HELD], self.basis[HELD], 1)).sum(1)
        weights: Doubles = seen / (1 + moved / STRAYED**2)
        return weights


@dataclass(frozen=True)
class Appearance:
    """What the points of the skin look like: `mean [N]` (NaN: hardly ever seen) and `variance [N]` of their detail."""

    mean: Doubles
    variance: Doubles


def detail(picture: Image) -> Floats:
    """The band-passed brightness `[H, W]` of a picture."""
    brightness = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    detail: Floats = cv2.GaussianBlur(brightness, (0, 0), FINEST) - cv2.GaussianBlur(brightness, (0, 0), COARSEST)
    return detail


def learnt(
    skin: Skin, starts: Mapping[int, Placement], details: Mapping[int, Floats], breathe: Callable[[], None]
) -> Appearance:
    """The appearance in some frames, learnt and aligned in turn; `breathe` is called between frames and may raise.

    `starts` and `details [S, S]` (see `detail`) are by frame.
    What all frames have in common stays as landmarks say, here and at the end: it is no difference between frames.
    """
    placements = dict(starts)
    appearance = average(skin, placements, details)
    for _ in range(ROUNDS):
        changes = {}
        for index, start in starts.items():
            breathe()
            changes[index] = aligned(skin, appearance, start, placements[index], details[index]).since(start)
        common = np.mean(list(changes.values()), 0)
        placements = {index: start.moved(changes[index] - common) for index, start in starts.items()}
        appearance = average(skin, placements, details)
    return appearance


def average(skin: Skin, placements: Mapping[int, Placement], details: Mapping[int, Floats]) -> Appearance:
    """What the points look like where they are seen in `details [S, S]` of some frames."""
    count, total, squares = (np.zeros(len(skin.neutral)) for _ in range(3))
    for index, placement in placements.items():
        pixels = skin.projected(skin.in_camera_space(placement))
        weights, looks = skin.weights(placement, pixels), looked_up(details[index], pixels)
        count += weights
        total += weights * looks
        squares += weights * looks**2
    often = count >= SHARE_SEEN * len(placements)
    mean = np.where(often, total / np.maximum(count, 1e-6), np.nan)
    return Appearance(mean, np.maximum(squares / np.maximum(count, 1e-6) - mean**2, 0))


def aligned(skin: Skin, appearance: Appearance, prior: Placement, placement: Placement, picture: Floats) -> Placement:
    """The placement after Gauss-Newton's steps towards the appearance in the detail `[H, W]` of a picture.

    `prior` is what landmarks say; the search begins at `placement`.
    """
    slopes = [cv2.Sobel(picture, cv2.CV_32F, *axis, ksize=3, scale=1 / 8) for axis in ((1, 0), (0, 1))]
    deviation = np.concatenate([POSE_DEVIATION, np.full(len(FREE), EXPRESSION_DEVIATION)])
    for _ in range(STEPS):
        points = skin.in_camera_space(placement)
        pixels = skin.projected(points)
        weights = skin.weights(placement, pixels)
        used = (weights > 0) & ~np.isnan(appearance.mean)
        if not used.any():
            return prior
        pixels, variance = pixels[used], appearance.variance[used] + NOISE**2
        missing = appearance.mean[used] - looked_up(picture, pixels)
        across, down = (looked_up(slope, pixels) for slope in slopes)
        rows = moved_by(skin, placement, points[used], used, across, down)
        precision = EVIDENCE / used.sum() * weights[used] / variance / (1 + missing**2 / (OUTLYING**2 * variance))
        weighted = rows * precision[:, None]
        hessian = weighted.T @ rows + np.diag(deviation**-2)
        gradient = weighted.T @ missing - placement.since(prior) / deviation**2
        placement = placement.moved(np.linalg.solve(hessian, gradient))
    return placement


def moved_by(
    skin: Skin, placement: Placement, points: Doubles, used: Booleans, across: Doubles, down: Doubles
) -> Doubles:
    """How what is seen changes with a change of the placement, `[N, 6 + F]`.

    `points [N, 3]` in camera space are those `used` of the skin; `across, down [N]` are the picture's slopes there.
    """
    x, y, z = points.T
    across, down = across * skin.camera.fx / z, down * skin.camera.fy / z
    by_point = np.stack([across, down, -(across * x + down * y) / z], 1)
    arms = points - placement.translation
    by_turn = np.einsum("nc,ncd->nd", by_point, -skew(arms))
    in_head = by_point @ placement.rotation
    by_expression = np.einsum("nc,knc->nk", in_head, skin.basis[FREE][:, used], optimize=True)
    return np.concatenate([by_turn, by_point, by_expression], 1)


def looked_up(picture: Floats, pixels: Doubles) -> Doubles:
    """A picture `[H, W]` at `pixels [N, 2]`, bilinearly."""
    x, y = (pixels - 0.5).astype(np.float32).T
    values = cv2.remap(picture, x[None], y[None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    doubles: Doubles = values[0].astype(np.float64)
    return doubles


def steadied(corrections: Doubles, trusted: Booleans, deviation: float) -> Doubles:
    """Corrections `[T, P]` smoothed over time by a Gaussian of so many frames; those not trusted do not count."""
    total = gaussian_filter1d(corrections * trusted[:, None], deviation, axis=0, mode="nearest")
    count = gaussian_filter1d(trusted.astype(np.float64), deviation, mode="nearest")
    mean: Doubles = total / np.maximum(count, 1e-6)[:, None]
    return mean


def corrected(performance: Performance, corrections: Doubles) -> Performance:
    """The performance with corrections `[T, 6 + F]`."""
    placements = [Placement.at(performance, i).moved(change) for i, change in enumerate(corrections)]
    return replace(
        performance,
        rotation=np.stack([each.rotation for each in placements]).astype(np.float32),
        translation=np.stack([each.translation for each in placements]).astype(np.float32),
        expression=np.stack([each.expression for each in placements]).astype(np.float32),
    )


def told(pictures: Generator[Image, None, None], before: int, clock: Clock) -> Iterator[tuple[int, Image]]:
    """Yield the pictures `[S, S, 3]` with their numbers, telling the clock; `before` are done."""
    with closing(pictures):
        for index, picture in enumerate(pictures):
            clock.tell(before + index)
            yield index, picture
