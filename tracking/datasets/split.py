# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of a dataset are trained on, and which are left to test on."""

from __future__ import annotations


def split(count: int, train_share: float) -> tuple[range, range]:
    """Return the frames to train on, the first `train_share` of `count`, at least one, and the rest, to test on.

    >>> split(502, 0.8)
    (range(0, 402), range(402, 502))
    """
    first = min(count, max(1, round(count * train_share)))
    return range(first), range(first, count)
