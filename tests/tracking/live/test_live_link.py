# SPDX-License-Identifier: GPL-3.0-or-later
"""A phone's packets become motions: read by their bytes, received over loopback, and garbage does no harm."""

from __future__ import annotations

import socket
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tests.makers.phones import FACE, live_link_packet
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.heads.rotations import to_angles
from semblance.tracking.live.live_link import LiveLinkPhone, packet_of, performance_of

if TYPE_CHECKING:
    from collections.abc import Iterator

JAW_OPEN, HEAD_YAW, LEFT_EYE_PITCH = 17, 52, 56
"""Places in the app's order."""


def face(**at: float) -> list[float]:
    values = [0.0] * FACE
    for place, value in at.items():
        values[int(place[1:])] = value
    return values


def test_a_packet_is_read():
    packet = packet_of(live_link_packet(face(_17=0.5), 90, name="Jörgs iPhone"))
    assert packet is not None
    assert packet.values is not None
    assert packet.subject == "Jörgs iPhone"
    assert packet.moment == pytest.approx(90.25 / 60)
    assert packet.values[JAW_OPEN] == 0.5
    assert len(packet.values) == FACE


def test_a_phone_that_sees_no_face_says_so():
    for packet in (packet_of(live_link_packet(None)), packet_of(live_link_packet([]))):
        assert packet is not None
        assert packet.values is None


def test_what_is_no_packet_is_none():
    whole = live_link_packet(face())
    assert all(packet_of(whole[:length]) is None for length in (0, 1, 5, 41, 50, 65, 68, len(whole) - 1))
    assert packet_of(live_link_packet(face(), version=7)) is None
    assert packet_of(live_link_packet([0.0] * 60)) is None
    assert packet_of(live_link_packet([float("nan")] * FACE)) is None
    noise = np.random.default_rng(0)
    for length in range(400):
        packet_of(noise.bytes(length))
        packet_of(b"\x06" + noise.bytes(length))


def test_values_become_expression_head_and_eyes(head):
    performance = performance_of(np.array(face(_17=0.5, _52=0.3, _56=0.2, _0=1.2)), 2.0, head)
    assert performance.expression[0, ARKIT_NAMES.index("jawOpen")] == pytest.approx(0.5)
    assert performance.expression[0, ARKIT_NAMES.index("eyeBlinkLeft")] == 1
    assert performance.expression.sum() == pytest.approx(1.5)
    assert to_angles(performance.rotation)[0] == pytest.approx([0, 0.3, 0], abs=1e-6)
    assert performance.gaze[0] == pytest.approx(np.array([[0.2, 0], [0, 0]]))
    assert performance.times.tolist() == [2.0]


@pytest.fixture
def phone(head) -> Iterator[LiveLinkPhone]:
    with closing(LiveLinkPhone(0, head, host="127.0.0.1")) as opened:
        yield opened


def send(port: int, *packets: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for packet in packets:
            sender.sendto(packet, ("127.0.0.1", port))


def test_motions_come_over_the_network_and_silence_is_a_lost_face(phone):
    dropped: list[None] = []
    with closing(phone.motions(lambda: dropped.append(None))) as motions:
        assert next(motions).state == "looking"
        send(phone.port, live_link_packet(face(_17=0.2), 1))
        first = next(motions)
        send(phone.port, b"garbage", live_link_packet(face(_17=0.4), 2), live_link_packet(face(_17=0.6), 3))
        newest = next(motions)
        gone = next(motions)
        send(phone.port, live_link_packet(None, 4))
        unseen = next(motions)
    jaw = ARKIT_NAMES.index("jawOpen")
    assert (first.state, newest.state, gone.state, unseen.state) == ("following", "following", "lost", "lost")
    assert first.performance.expression[0, jaw] == pytest.approx(0.2)
    assert newest.performance.expression[0, jaw] == pytest.approx(0.6)
    assert len(dropped) == 1
    assert gone.captured > newest.captured > first.captured


def test_a_packet_that_was_overtaken_is_left_out(phone):
    with closing(phone.motions(lambda: None)) as motions:
        send(phone.port, live_link_packet(face(_17=0.6), 30))
        next(motions)
        send(phone.port, live_link_packet(face(_17=0.1), 29))
        assert next(motions).state == "lost", "nothing new has come"
        send(phone.port, live_link_packet(face(_17=0.3), 31))
        assert next(motions).state == "following"


def test_a_port_in_use_is_one_sentence(phone, head):
    with pytest.raises(UserError, match=rf"Port {phone.port} cannot be listened at .*; close the program"):
        LiveLinkPhone(phone.port, head, host="127.0.0.1")
