# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar file says which footage it was made of and what the person shown agreed to."""

from __future__ import annotations

from dataclasses import replace

from semblance.neural.training.checkpoints import TrainingState
from semblance.neural.training.outcome import provenance_of
from semblance.tests.makers.performances import at_rest
from semblance.tracking.datasets.consent import Consent, note_consent
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.origin import origin_facts


def test_footage_and_consent_go_into_the_avatar(tmp_path):
    footage = tmp_path / "talk.mp4"
    footage.write_bytes(b"abc")
    performance = replace(at_rest(10), source=str(footage), extra=origin_facts(footage))
    dataset = Dataset(tmp_path, 256, ())
    assert provenance_of(dataset, performance, 0.8, TrainingState("", 7, 1.0), ()).consent == ""
    note_consent(tmp_path, Consent("I agree", "Ada", "one film", "2026-05-01T12:00:00+00:00"))
    said = provenance_of(dataset, performance, 0.8, TrainingState("", 7, 1.0), ())
    assert said.source == "talk.mp4"
    assert said.footage_sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (said.consent, said.consent_by, said.consent_for) == ("I agree", "Ada", "one film")
    assert said.consent_date == "2026-05-01T12:00:00+00:00"
