# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays on the wire: `.npz` without pickles, read without trust."""

from __future__ import annotations

import io
import zipfile
from math import prod
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

ARRAYS_TYPE = "application/x-npz"


def pack_arrays(**arrays: NDArray[Any]) -> bytes:
    """Return the arrays as the bytes of an `.npz` (stored, not compressed: speed counts on loopback).

    >>> unpack_arrays(pack_arrays(time_code=np.float32([0.25, 0.5])))
    {'time_code': array([0.25, 0.5 ], dtype=float32)}
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def unpack_arrays(data: bytes, most_bytes: int | None = None) -> dict[str, NDArray[Any]]:
    """Read arrays of any `[shape]` that `pack_arrays` wrote, by name.

    Args:
        data: the bytes.
        most_bytes: refuse arrays that together are larger than this, before any memory is taken for them.

    Raises:
        ValueError: the bytes are no `.npz`, hold a pickle, claim more than they hold, or are too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if most_bytes is not None and sum(member.file_size for member in members) > most_bytes:
                raise ValueError(f"The arrays are larger than {most_bytes} bytes.")
            for member in members:
                with archive.open(member) as file:
                    refuse_false_size(file, member)
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except ValueError:
        raise
    except Exception as error:  # zipfile and numpy raise many kinds for damaged bytes
        raise ValueError(f"These are not packed arrays: {error}") from error


def refuse_false_size(file: IO[bytes], member: zipfile.ZipInfo) -> None:
    """Raise ValueError when an array's header claims more bytes than its member of the archive holds."""
    version = np.lib.format.read_magic(file)
    is_first = version == (1, 0)
    header = np.lib.format.read_array_header_1_0(file) if is_first else np.lib.format.read_array_header_2_0(file)
    shape, _, dtype = header
    if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize > member.file_size:
        raise ValueError(f"The array {member.filename} is cut short.")
