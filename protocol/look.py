# SPDX-License-Identifier: GPL-3.0-or-later
"""What frames are made with besides what the renderer draws: one type from the artist's panel to the network.

Each field of `Look` carries a `Control`, which says once what it is called, what it does and how far it goes: Blender's
properties, the command line's help and the engine's checks are made of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..common.errors import UserError
from .parameters import about

MOST_OFFSET = 32.0
"""Feature cells that a person or a backdrop can be moved: a quarter of the picture."""
TRAINED_OFFSET = 22.0
"""Feature cells that the window was moved by in training; farther is a guess."""
WANTED = {1: "one number, or one number a frame", 2: "two numbers, or two a frame"}
"""How arrays of a control may look, by the count of its numbers."""


@dataclass(frozen=True)
class Control:
    """How one control of a look is shown and checked, wherever an artist meets it.

    Attributes:
        label: what a panel calls it.
        help: what it does, in one sentence without its full stop.
        numbers: how many it has.
        bounds: the least and the greatest; None lets every number pass.
        soft_bounds: as far as training went; farther is a guess.
        step: what one press of an arrow changes it by; decimals: how many are shown.
    """

    label: str
    help: str
    numbers: int
    bounds: tuple[float, float] | None
    soft_bounds: tuple[float, float]
    step: float
    decimals: int = 2

    def allows(self, values: Any) -> bool:
        """Tell whether all these numbers are finite and within the bounds."""
        low, high = self.bounds or (-np.inf, np.inf)
        return bool(np.all(np.isfinite(values) & (low <= np.asarray(values)) & (np.asarray(values) <= high)))


def control(default: Any, unless_given: str = "", option: str | None = None, **said: Any) -> Any:
    """A field of `Look` with its `Control`, which is a parameter of jobs and commands, too.

    `option` is what the command line calls it, where that is not its name.
    """
    made = Control(**said)
    bounds = {"ge": made.bounds[0], "le": made.bounds[1]} if made.bounds else {"allow_inf_nan": False}
    limits: dict[str, Any] = bounds if made.numbers == 1 else {"each": bounds, "metavar": "X Y"}
    return field(
        default=default,
        metadata={"control": made, **about(f"{made.help}.", unless_given=unless_given, option=option, **limits)},
    )


def offset(label: str, help: str) -> Any:
    """A field that moves something to the right and down."""
    return control(
        (0.0, 0.0),
        label=label,
        help=f"{help}, right and down, in 1/128 of the picture's side",
        numbers=2,
        bounds=(-MOST_OFFSET, MOST_OFFSET),
        soft_bounds=(-TRAINED_OFFSET, TRAINED_OFFSET),
        step=1.0,
    )


@dataclass(frozen=True)
class Look:
    """What frames are made with besides what the renderer draws.

    Attributes:
        time_code: the moment of the training footage that the avatar looks like, 0 to 1; None leaves it to the avatar.
        foreground_offset, background_offset: how far the person, and the backdrop, are moved to the right and down
            (Fig. 4), in feature cells: 1/128 of the picture's side, at most `MOST_OFFSET`.

    Raises:
        UserError: a number is not finite or is out of bounds.
    """

    time_code: float | None = control(
        None,
        "the avatar's",
        option="--footage-moment",
        label="Footage Moment",
        help="The moment of the footage, 0 (first frame) to 1 (last), whose light, hair and clothes the avatar has",
        numbers=1,
        bounds=None,
        soft_bounds=(0.0, 1.0),
        step=0.01,
        decimals=3,
    )
    foreground_offset: tuple[float, float] = offset("Move Person", "How far the person is moved before the backdrop")
    background_offset: tuple[float, float] = offset("Move Backdrop", "How far the backdrop is moved behind the person")

    def __post_init__(self) -> None:
        for name, each in CONTROLS.items():
            value = getattr(self, name)
            if value is not None and not each.allows(value):
                wanted = "between {:g} and {:g}".format(*each.bounds) if each.bounds else "a number"
                raise UserError(f"The look's {each.label} is {value}, which must be {wanted}; correct it.")

    def settled(self, time_code: float) -> Look:
        """This look with the avatar's own `time_code` where none was chosen."""
        return self if self.time_code is not None else replace(self, time_code=time_code)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What differs from the defaults, as the frames endpoint takes it: float32, `[]` a number, `[2]` an offset.

        >>> sorted(Look(time_code=0.5, foreground_offset=(4, 0)).arrays())
        ['foreground_offset', 'time_code']
        """
        return {
            name: np.asarray(value, np.float32) for name, value in vars(self).items() if value != getattr(Look, name)
        }


CONTROLS: dict[str, Control] = {each.name: each.metadata["control"] for each in fields(Look)}
"""What a look consists of, in the order of the panel."""
USUAL_LOOK = Look()


def read_looks(arrays: Mapping[str, NDArray[Any]], frames: int) -> tuple[Look, ...]:
    """Return the look of each of `frames` frames, of arrays that hold one value for all or one a frame.

    An array is `[]` or `[frames]` for a control of one number, `[C]` or `[frames, C]` for one of C numbers.
    An array that is missing leaves its control as it usually is; numbers are rounded to float32.

    Raises:
        UserError: an array is of another shape or type, or its numbers are not finite or out of bounds.
    """
    given = {name: read_control(name, arrays[name], frames) for name in CONTROLS if name in arrays}
    return tuple(Look(**{name: values[index] for name, values in given.items()}) for index in range(frames))


def read_control(name: str, values: NDArray[Any], frames: int) -> list[Any]:
    """Return a control's value for each frame, a number or a tuple of numbers, of `values` as in `read_looks`.

    Raises:
        UserError: `[shape]` or type is another, or numbers are not finite or out of bounds.
    """
    each = CONTROLS[name]
    shape = () if each.numbers == 1 else (each.numbers,)
    fits = values.dtype.kind in "fiu" and values.shape in (shape, (frames, *shape))
    if not fits or not each.allows(values):
        limit = f", up to {each.bounds[1]:g}" if each.bounds else ""
        raise UserError(f"The array {name} must be {WANTED[each.numbers]}{limit}; correct it and ask again.")
    rows = np.broadcast_to(values, (frames, *shape)).astype(np.float32).tolist()
    return rows if each.numbers == 1 else [tuple(row) for row in rows]
