# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar against footage it never saw, beside the baseline of showing the nearest training frame (Tab. 3, 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...common.clock import Clock
from ...common.errors import UserError
from ...common.progress import Listener, Progress, silent
from ...protocol.inputs import Maps
from ...tracking.datasets.dataset import Dataset
from ...tracking.datasets.pictures import central_window, read_map, read_picture
from ...tracking.datasets.split import split
from ...tracking.media.video import scaled
from ..avatar import Avatar
from .nearest import mean_distances, nearest_frames
from .observer import Observer, Row
from .output import AVATAR, NEAREST, Evaluation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from ...tracking.heads.arrays import Floats, Image
    from ...tracking.heads.head import MorphableHead

TEST_SHARE = 0.2
SHEET_ROWS = 6


@dataclass(frozen=True)
class View:
    """What one frame of a dataset shows in the central window, at the avatar's resolution.

    Attributes:
        picture: RGB uint8 `[R, R, 3]`; matte: `[R, R]` 0 to 1; face: bool `[R, R]`, the UV map's region.
        uv, texture: maps `[256, 256, 3]`, 0 to 1.
    """

    picture: Image
    matte: Floats
    face: NDArray[np.bool_]
    uv: Floats
    texture: Floats


def evaluate(avatar: Path, dataset: Path, *, share: float | None = None, listener: Listener = silent) -> Evaluation:
    """Compare an avatar with the last `share` of its dataset's frames; all that training left, when not given.

    Both sides have the background removed by the footage's matte, at the avatar's resolution. Frames are gone through
    once, and only their figures are kept.

    Raises:
        UserError: a file is missing or damaged, training left too few frames, or `share` reaches into its frames.
        Cancelled: the listener asked for it.
    """
    subject, data = Avatar.load(avatar), Dataset.open(dataset)
    performance = data.performance()
    training, test = held_out(performance.trusted, unseen_share(subject, share))
    nearest = nearest_frames(performance, training, test)
    side = subject.metadata.resolution
    shown = set(spread(test, SHEET_ROWS))
    sheet: list[dict[str, Image]] = []
    clock = Clock("Evaluating", len(test), listener)
    with Observer(subject.device.type) as observer:
        rows = {AVATAR: Row(observer), NEAREST: Row(observer)}
        for done, index in enumerate(test):
            clock.tell(done)
            view = read_view(data, index, side)
            rendered = subject.render(Maps(view.uv[None], view.texture[None])).rgba[0, ..., :3]
            pictures = {AVATAR: rendered, NEAREST: read_window(data, nearest[index], side)}
            truth = observer.look(view.picture, view.matte)
            for name, picture in pictures.items():
                rows[name].add(index, observer.look(picture, view.matte), truth, view.matte, view.face)
            if index in shown:
                sheet.append({"footage": view.picture, "nearest": pictures[NEAREST], "avatar": rendered})
    listener(Progress("Evaluating", len(test), len(test), "tracking the pictures"))
    head, camera = head_of(subject), performance.camera.resized(side, side)
    return Evaluation(
        {name: row.figures(head, camera) for name, row in rows.items()},
        len(training),
        len(test),
        side,
        mean_distances(performance, training, test),
        tuple(sheet),
    )


def head_of(avatar: Avatar) -> MorphableHead | None:
    """Return the avatar's head; None where its file is not on this machine."""
    try:
        return avatar.open_head()
    except UserError:
        return None


def held_out(trusted: NDArray[np.bool_], share: float = TEST_SHARE) -> tuple[list[int], list[int]]:
    """Return the frames that training sees and the last `share` of all, which it must not see.

    Both are numbers of frames. Those that cannot be trusted, where `trusted [T]` is False, are in neither.

    Raises:
        UserError: there are too few frames to hold any out.
    """
    training, test = ([index for index in part if trusted[index]] for part in split(len(trusted), 1 - share))
    if not test:
        raise UserError(f"{len(trusted)} frames are too few to hold any out for a test; track a longer video.")
    return training, test


def unseen_share(avatar: Avatar, share: float | None) -> float:
    """Return `share` (0 to 1), or all that training left.

    Raises:
        UserError: nothing is left, or `share` reaches into what the avatar was trained on.
    """
    trained = avatar.metadata.provenance.train_share
    if trained == 1:
        raise UserError("The avatar was trained on all frames, so none can test it; build one with --train-share 0.8.")
    if share is not None and share > 1 - trained + 1e-6:
        raise UserError(
            f"The avatar was trained on the first {trained:.0%} of the frames; test on fewer than {share:.0%}."
        )
    return 1 - trained if share is None else share


def spread(frames: Sequence[int], count: int) -> list[int]:
    """Return `count` of the frames, evenly apart, neither the first nor the last."""
    return [frames[int((number + 0.5) / count * len(frames))] for number in range(count)]


# --- reading --------------------------------------------------------------------------------------------------------


def read_view(dataset: Dataset, index: int, side: int) -> View:
    """Read a frame of a dataset, its central window `side` pixels square.

    Raises:
        UserError: a picture is missing or damaged.
    """
    name = dataset.names[index]
    uv, texture = read_map(dataset.uv_map(name)), read_map(dataset.texture_map(name))
    enlarged = read_picture(dataset.matte(name), cv2.IMREAD_GRAYSCALE)
    matte = scaled(central_window(enlarged), side).astype(np.float32) / 255
    face = cv2.resize(uv[..., 2], (side, side), interpolation=cv2.INTER_NEAREST) > 0.5
    return View(read_window(dataset, index, side), matte, face, uv, texture)


def read_window(dataset: Dataset, index: int, side: int) -> Image:
    """Return the footage's central window: RGB uint8 `[side, side, 3]`.

    Raises:
        UserError: the picture is missing or damaged.
    """
    image = read_picture(dataset.image(dataset.names[index]), cv2.IMREAD_COLOR)
    return scaled(central_window(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)), side)
