# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use the processor: tracking's stages run side by side, so the libraries inside them get a thread each."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
from threadpoolctl import threadpool_limits

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_thread_a_library() -> Iterator[None]:
    """Keep BLAS and OpenCV to the thread that calls them inside the block: small matrices and pictures gain nothing.

    The limits are the process's, and are as before afterwards.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(before)
