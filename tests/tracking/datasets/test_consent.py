# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person agreed to stays beside the dataset, with who stated it and when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from semblance.common.errors import UserError
from semblance.tracking.datasets.consent import FILE, NO_CONSENT, Consent, note_consent, read_consent


def test_a_record_keeps_words_who_what_for_and_when(tmp_path):
    assert read_consent(tmp_path) == NO_CONSENT
    note_consent(tmp_path, Consent("I agree – Zoë", "Zoë", "the film"))
    read = read_consent(tmp_path)
    assert (read.words, read.by, read.purpose) == ("I agree – Zoë", "Zoë", "the film")
    assert abs((datetime.now(UTC) - datetime.fromisoformat(read.date)).total_seconds()) < 60


def test_the_same_words_keep_their_date_and_others_replace_them(tmp_path):
    note_consent(tmp_path, Consent("yes", date="2026-01-02T03:04:05+00:00"))
    note_consent(tmp_path, Consent("yes"))
    assert read_consent(tmp_path).date == "2026-01-02T03:04:05+00:00"
    note_consent(tmp_path, Consent("no longer"))
    assert read_consent(tmp_path).words == "no longer"
    assert read_consent(tmp_path).date > "2026-01-02T03:04:05+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": "other", "version": 1}',
        '{"format": "semblance-consent", "version": 1, "words": 3}',
        '{"format": "semblance-consent", "version": 2}',
        "[" * 100_000,
    ],
)
def test_a_damaged_record_is_refused_and_never_taken_for_none(tmp_path, text):
    (tmp_path / FILE).write_text(text)
    with pytest.raises(UserError, match=r"consent\.json"):
        read_consent(tmp_path)
