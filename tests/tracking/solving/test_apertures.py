# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh's eyes are open as far as the person's, whatever its identity could say about them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from semblance.tracking.detection.landmarks import LEFT_LID_PAIRS, RIGHT_LID_PAIRS
from semblance.tracking.heads.head import ARKIT_NAMES, BLINKS
from semblance.tracking.heads.registry import open_head
from semblance.tracking.solving.apertures import WIDES, with_own_apertures
from semblance.tracking.solving.landmark_model import LandmarkModel, Person
from semblance.tracking.solving.landmark_weights import lid_gaps, lid_heights
from semblance.tracking.solving.person import with_own_eyelids

MILLIMETRE = 0.001
UPPER = [upper for upper, _ in LEFT_LID_PAIRS + RIGHT_LID_PAIRS]


def person_whose_eyes_are(wider: float) -> Person:
    """Somebody whose upper lids lie higher by so many metres than the head's with the same identity."""
    head = open_head("builtin")
    identity = np.random.default_rng(3).normal(0, 0.8, len(head.identity_basis)).astype(np.float32)
    own = LandmarkModel.of_person(head, identity)
    neutral = own.neutral.copy()
    neutral[UPPER, 1] -= wider
    return Person(identity, own, with_own_eyelids(replace(own, neutral=neutral)))


def closing() -> np.ndarray:
    """`[11, 52]`: eyes that close evenly while the face squints a little."""
    expression = np.zeros((11, 52), np.float32)
    expression[:, BLINKS] = np.linspace(0, 1, 11)[:, None]
    expression[:, [ARKIT_NAMES.index("eyeSquintLeft"), ARKIT_NAMES.index("eyeSquintRight")]] = 0.1
    return expression


@pytest.mark.parametrize("wider", [-2 * MILLIMETRE, 0, 0.7 * MILLIMETRE])
def test_the_mesh_opens_as_far_as_the_person_and_closes_wholly(wider: float) -> None:
    person = person_whose_eyes_are(wider)
    fitted = with_own_apertures(person, closing())
    mesh, seen = (
        lid_heights(model.shapes(values)) for model, values in ((person.own, fitted), (person.model, closing()))
    )
    np.testing.assert_allclose(mesh[:, 0], seen[:, 0], atol=0.3 * MILLIMETRE)
    np.testing.assert_allclose(mesh[:, -1], 0, atol=0.1 * MILLIMETRE)
    assert (np.diff(mesh, axis=1) <= 1e-6).all()
    assert (np.minimum(fitted[:, BLINKS], fitted[:, WIDES]) == 0).all(), "an eye closes or is opened wide"


def test_lids_that_have_passed_each_other_count_below_zero() -> None:
    person = person_whose_eyes_are(0)
    passed = np.zeros((1, 52))
    passed[:, BLINKS] = 1.3
    assert lid_gaps(person.own.shapes(passed)).max() < 0 < lid_gaps(person.own.neutral).min()
