# SPDX-License-Identifier: GPL-3.0-or-later
"""The header of our files."""

from __future__ import annotations

import pytest
from semblance.common.errors import UserError
from semblance.common.file_format import FileFormat

FORMAT = FileFormat("semblance-take", 2)


def version_in(header: object) -> int:
    return FORMAT.version_in(header, foreign="Foreign.", newer="Newer.", damaged="Damaged.")


@pytest.mark.parametrize("header", [FORMAT.header, FORMAT.text_header, {**FORMAT.header, "more": 1}])
def test_a_header_that_was_written_is_read(header: object) -> None:
    assert version_in(header) == 2


def test_an_older_header_tells_its_version() -> None:
    assert version_in({"format": "semblance-take", "version": 1}) == 1


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ({}, "Foreign."),
        (["semblance-take", 2], "Foreign."),
        (None, "Foreign."),
        ({"format": "semblance-dataset", "version": 1}, "Foreign."),
        ({"format": "semblance-take", "version": 3}, "Newer."),
        ({"format": "semblance-take", "version": "3"}, "Newer."),
        ({"format": "semblance-take"}, "Damaged."),
        ({"format": "semblance-take", "version": "two"}, "Damaged."),
        ({"format": "semblance-take", "version": None}, "Damaged."),
    ],
)
def test_other_headers_are_refused_with_the_callers_sentence(header: object, sentence: str) -> None:
    with pytest.raises(UserError, match=f"^{sentence}$"):
        version_in(header)
