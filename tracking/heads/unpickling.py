# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading foreign `.npy` files that hold a pickled dict of arrays, without running what they contain."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...common.errors import UserError

ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),  # as NumPy 1 spells it
    ("numpy._core.multiarray", "_reconstruct"),  # as NumPy 2 spells it
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
"""All that a pickled dict of arrays has to name. Anything else may be code and is refused unread."""


def load_array_dict(path: Path) -> dict[str, Any]:
    """Return the dict that `np.save(path, dict)` wrote, unpickling arrays and plain values only.

    Raises:
        UserError: the file is absent, is no such file, is cut short, or names anything but arrays.
    """
    try:
        with open(path, "rb") as file:
            read_object_header(file)
            content = ArrayUnpickler(file).load()
            if isinstance(content, np.ndarray) and content.shape == ():
                content = content.item()
    except FileNotFoundError as error:
        raise UserError(f"There is no file at {path}; choose the head's model file.") from error
    except ForbiddenError as error:
        raise UserError(f"{path} was not read: it holds {error}, which a model file has no need of.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); choose the head's model file.") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise UserError(f"{path} is damaged or is not a NumPy file of a model; download it again.") from error
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no dictionary of arrays; choose the head's model file.")
    return content


class ForbiddenError(Exception):
    """The pickle names something that is not on the list; the text says what."""


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that knows NumPy arrays and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the four allowed names; refuse every other before it is imported."""
        if (module, name) not in ALLOWED:
            raise ForbiddenError(f"{module}.{name}")
        if name == "_reconstruct":
            return empty_array
        return getattr(np, name)


def empty_array(kind: type, _shape: tuple[int, ...], _dtype: bytes) -> np.ndarray:
    """Make the empty array that `ndarray.__setstate__` fills: NumPy's `_reconstruct`, for plain arrays only."""
    if kind is not np.ndarray:
        raise ForbiddenError(f"an array of kind {kind!r}")
    return np.empty(0, np.int8)


def read_object_header(file: BinaryIO) -> None:
    """Read past the `.npy` header; it must announce one object."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.kind != "O" or shape not in ((), (1,)):
        raise ValueError("not a pickled object")
