# SPDX-License-Identifier: GPL-3.0-or-later
"""What a parameter says of itself to whoever offers or checks it: the metadata of a dataclass's field."""

from __future__ import annotations

import enum
from typing import Any

RANGE = "LEAST,MOST"
"""The `metavar` of two numbers that the command line takes as one."""
NO_OPTION = ""
"""The `option` of a parameter that the command line does not offer."""


class Meaning(enum.Enum):
    """What a text stands for."""

    PATH = "an absolute path, or a reference"
    DATASET = "an absolute path, a reference, or the name of a dataset in the engine's home"
    AVATAR = "an absolute path, a reference, or the name of an avatar in the engine's home"
    HEAD = "the name of a morphable head"


def about(
    description: str,
    *,
    meaning: Meaning | None = None,
    unless_given: str = "",
    option: str | None = None,
    metavar: str | None = None,
    each: dict[str, Any] | None = None,
    made: bool = False,
    **bounds: Any,
) -> dict[str, Any]:
    """What a parameter's field says of itself (its metadata).

    Args:
        description: what it is, in one sentence: the command line's help, OpenAPI's description.
        meaning: what the text stands for.
        unless_given: what is done when it is not given, in words. A parameter that has no default and says this is
            an option on the command line, which makes up the value.
        option: the command line's option, where that is not the name; `NO_OPTION` for none.
        metavar: what the command line calls the value, where that is not the name.
        each: bounds of each number of a tuple.
        made: it says where to write what the job makes.
        bounds: `ge`, `gt`, `le`, `lt`, `multiple_of`, `allow_inf_nan`: pydantic's words, which it finds here by itself.
    """
    said = {"meaning": meaning, "unless_given": unless_given, "option": option, "metavar": metavar, "each": each}
    return {"description": description, "made": made, **said, **bounds}
