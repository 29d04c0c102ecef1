# SPDX-License-Identifier: GPL-3.0-or-later
"""What is heard now, by FFmpeg's generator of sound: it begins when asked, and ends without hanging."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest
from semblance.common.errors import UserError
from semblance.tracking.media import hearing, microphone
from semblance.tracking.media.hearing import Hearing
from semblance.tracking.media.microphone import Microphone


@pytest.fixture(autouse=True)
def device(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that is heard at once, for a second."""
    tone = "sine=frequency=440:duration=1:sample_rate=48000"
    monkeypatch.setitem(microphone.DEVICES, sys.platform, (("lavfi", "nonsense"), ("lavfi", tone)))


def test_it_begins_when_it_is_asked_to():
    heard = Microphone()
    samples = np.concatenate(list(heard.samples(time.monotonic() - 0.5)), 1)
    heard.close()
    assert 0.3 < np.flatnonzero(np.abs(samples[0]) > 0.01)[0] / 48_000 < 1.0, "it was not open before"
    assert np.abs(samples[0, -4800:]).max() > 0.05


def test_it_stops_when_it_is_told_to():
    heard = Microphone()
    pieces = heard.samples(time.monotonic())
    next(pieces)
    heard.stop()
    assert sum(each.shape[1] for each in pieces) < 40_000
    heard.close()


def test_a_film_takes_what_there_is_and_ends_with_it():
    heard = Hearing(Microphone())
    heard.align(time.monotonic())
    heard.align(0.0)
    assert sum(each.shape[1] for each in heard.samples()) == pytest.approx(48_000, abs=6000)
    heard.close()


def test_a_microphone_that_is_stuck_ends_the_sound(monkeypatch):
    monkeypatch.setattr(hearing, "SILENCE", 0.1)
    monkeypatch.setattr(Microphone, "samples", lambda _self, _begins: iter(lambda: time.sleep(0.3), 1))
    heard = Hearing(Microphone())
    assert list(heard.samples()) == []
    heard.close()


def test_without_one_there_is_a_sentence(monkeypatch):
    monkeypatch.setitem(microphone.DEVICES, sys.platform, (("lavfi", "nonsense"),))
    with pytest.raises(UserError, match="microphone cannot be used"):
        Microphone()
    monkeypatch.setattr(microphone, "DEVICES", {})
    with pytest.raises(UserError, match="no way"):
        Microphone()
