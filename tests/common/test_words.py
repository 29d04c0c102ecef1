# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers in sentences."""

from __future__ import annotations

from semblance.common.words import counted


def test_things_are_counted_as_people_say_it() -> None:
    assert [counted(number, "picture") for number in (0, 1, 2)] == ["no pictures", "1 picture", "2 pictures"]
    assert counted(2, "person", "people") == "2 people"
