# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar against footage it never saw, beside the baseline of showing the nearest training frame (Tab. 3, 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...common.errors import UserError
from ...common.progress import Listener, Progress, silent
from ...tracking.datasets.dataset import Dataset
from ...tracking.datasets.pictures import read_window
from ...tracking.datasets.split import split
from ..avatar import Avatar
from .comparison import compare
from .footage import Covered, inputs_of, painted
from .nearest import mean_distances, nearest_frames
from .observer import Observer
from .output import AVATAR, NEAREST, Evaluation
from .regions import usual_region

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from ...protocol.choices import RegionName
    from ...tracking.heads.head import MorphableHead

TEST_SHARE = 0.2


def evaluate(
    avatar: Path,
    dataset: Path,
    *,
    share: float | None = None,
    region: RegionName | None = None,
    listener: Listener = silent,
) -> Evaluation:
    """Compare an avatar with the last `share` of its dataset's frames; all that training left, when not given.

    Only the `region` of the footage is compared, at the avatar's resolution, over black: by default what the avatar
    shows. A pixel that a head in three dimensions leaves empty is black, so that holes count. Frames are gone through
    once, and only their figures are kept.

    Raises:
        UserError: a file is missing or damaged, training left too few frames, or `share` reaches into its frames.
        Cancelled: the listener asked for it.
    """
    subject, data = Avatar.load(avatar), Dataset.open(dataset)
    performance = data.performance()
    training, test = held_out(performance.trusted, unseen_share(subject, share))
    nearest = nearest_frames(performance, training, test)
    side, chosen = subject.metadata.resolution, region or usual_region(subject.kind)
    with Observer(subject.device.type) as observer, inputs_of(subject, data, side) as inputs:
        pictures = {
            AVATAR: lambda index: painted(subject, inputs(index)),
            NEAREST: lambda index: Covered(read_window(data, nearest[index], side)),
        }
        found = compare(data, test, pictures, chosen, side, observer, head_of(subject), listener)
    listener(Progress("Evaluating", len(test), len(test)))
    return Evaluation(
        found.rows,
        len(training),
        len(test),
        side,
        mean_distances(performance, training, test),
        found.frames,
        chosen,
        found.bins,
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
