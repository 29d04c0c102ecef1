# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame that the engine solves again with pins, and what it refuses."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
from semblance.protocol.address import Address
from semblance.protocol.arrays import pack_arrays
from semblance.protocol.client import Client
from semblance.protocol.pins import PATH, PinnedFace, PinRequest
from semblance.tests.engine.conftest import TOKEN
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.camera import PinholeCamera
from semblance.tracking.heads.head import ARKIT_NAMES

CAMERA = PinholeCamera.default(512)
LID = 386


def projected(asked: PinRequest, face: PinnedFace):
    shape = asked.neutral + np.tensordot(face.expression, asked.basis, 1)
    return CAMERA.project(shape @ face.rotation.T + face.translation)


@pytest.fixture(scope="module")
def asked() -> PinRequest:
    """The built-in head with a lid pinned six pixels lower."""
    head = load_builtin()
    face = PinnedFace(np.zeros(52), np.eye(3), np.array([0, 0, 0.8]))
    rows = head.landmarks
    basis = head.expressions(head.mean)[:, rows]
    request = PinRequest(
        head.mean[rows], basis, np.array(astuple(CAMERA), float), face, np.array([LID]), np.zeros((1, 2))
    )
    return replace(request, xy=projected(request, face)[[LID]] + (0, 6))


def test_the_client_gets_a_face_that_meets_the_pin(engine, asked):
    client = Client(Address("127.0.0.1", engine.client.base_url.port or 0, TOKEN))
    try:
        face = client.ask_pinned(asked).face()
    finally:
        client.close()
    np.testing.assert_allclose(projected(asked, face)[LID], asked.xy[0], atol=0.5)
    assert face.expression[ARKIT_NAMES.index("eyeBlinkLeft")] > 0.3


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"landmarks": np.array([LID, LID])}, "twice"),
        ({"landmarks": np.array([478])}, "477"),
        ({"landmarks": np.zeros(0, int)}, "landmarks"),
        ({"xy": np.zeros((2, 2))}, "xy"),
        ({"xy": np.full((1, 2), np.nan)}, "no number"),
        ({"camera": np.zeros(6)}, "focal length"),
        ({"rotation": np.zeros((3, 3))}, "rotation"),
        ({"translation": np.array([0, 0, -1.0])}, "behind"),
        ({"basis": np.zeros((52, 3), np.float32)}, "basis"),
    ],
)
def test_what_is_no_frame_is_refused_with_what_to_send(engine, asked, changed, word):
    answer = engine.client.post(PATH, content=pack_arrays(**(asked.arrays() | changed)))
    assert answer.status_code == 422
    assert word in answer.json()["detail"]


def test_what_are_no_arrays_is_refused(engine):
    assert "pack_arrays" in engine.client.post(PATH, content=b"pins").json()["detail"]
    refused = engine.client.post(PATH, content=b"{}", headers={"Content-Type": "application/json"})
    assert refused.status_code == 415
