# SPDX-License-Identifier: GPL-3.0-or-later
"""A blink of 1 is a closed eye for everyone, and half a blink is half of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from semblance.tracking.heads.eyelids import CORNERS, LOWER_RIMS, UPPER_RIMS
from semblance.tracking.heads.head import ARKIT_NAMES, BLINKS, MorphableHead
from semblance.tracking.heads.registry import open_head

PEOPLE = 12


def people(head: MorphableHead) -> list[np.ndarray]:
    """Random people, `[V, 3]` each."""
    random = np.random.default_rng(4)
    return [head.neutral(random.normal(size=len(head.identity_basis)).astype(np.float32)) for _ in range(PEOPLE)]


def blinking(head: MorphableHead, neutral: np.ndarray, amount: float = 1.0) -> np.ndarray:
    expression = np.zeros(52, np.float32)
    expression[list(BLINKS)] = amount
    return head.posed(neutral, expression)


def gaps(head: MorphableHead, vertices: np.ndarray, eye: int) -> np.ndarray:
    """How far the rims of an eye lie apart `[7]`, a share of its width; negative where they have passed each other."""
    outer, inner, upper, lower = (
        vertices[head.landmarks[list(part)]] for part in (*zip(CORNERS[eye]), UPPER_RIMS[eye], LOWER_RIMS[eye])
    )
    return (lower - upper)[:, 1] / np.linalg.norm(outer - inner)


def test_lids_of_a_head_from_a_file_meet_as_those_of_its_mean_do(faceverse_like: MorphableHead) -> None:
    head = faceverse_like
    for eye in (0, 1):
        usual = gaps(head, blinking(head, head.mean), eye)
        for neutral in people(head):
            assert np.abs(gaps(head, blinking(head, neutral), eye) - usual).max() < 0.02


def test_lids_close_evenly() -> None:
    """Halfway an eye is half open, whoever it is, and beside the lids nobody's face is moved by more than the blink."""
    head = open_head("builtin")
    for neutral in people(head):
        for eye in (0, 1):
            half, open_ = (gaps(head, vertices, eye) for vertices in (blinking(head, neutral, 0.5), neutral))
            np.testing.assert_allclose(half, open_ / 2, atol=0.01)
        moved = np.abs(head.expressions(neutral)[list(BLINKS)]).max((0, 2)) > 0
        assert not moved[np.abs(head.expression_basis[list(BLINKS)]).max((0, 2)) == 0].any()


def test_a_persons_expressions_are_what_poses_them() -> None:
    head = open_head("builtin")
    neutral, random = people(head)[0], np.random.default_rng(1)
    expression = random.uniform(0, 1, len(ARKIT_NAMES)).astype(np.float32)
    posed = neutral + np.tensordot(expression, head.expressions(neutral), 1)
    np.testing.assert_allclose(head.posed(neutral, expression), posed, atol=1e-6)


def test_a_head_without_eyelids_stays_as_it_is() -> None:
    head = open_head("builtin")
    still = replace(head, expression_basis=np.zeros_like(head.expression_basis))
    neutral = people(head)[0]
    np.testing.assert_array_equal(blinking(still, neutral), neutral)
