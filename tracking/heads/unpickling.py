# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading foreign files that hold a pickled dict of arrays, without running what they contain.

Nothing that a pickle names is ever imported or called: the few names on the list stand for classes of this file that
only keep what they are given, and arrays are made afterwards from the plain numbers that were kept.
"""

from __future__ import annotations

import pickle
import pickletools
import re
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from ...common.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from .arrays import Numbers


def load_array_dict(path: Path) -> dict[str, Any]:
    """Return the dict that `np.save(path, dict)` wrote: arrays, numbers, texts, lists and dicts of them.

    Raises:
        UserError: the file is absent, is no such file, is cut short, or names anything but arrays.
    """
    content = unpickled(path, ARRAYS, header=True)
    if isinstance(content, np.ndarray) and content.shape == ():
        content = content.item()
    return checked_dict(content, path)


def load_pickled_dict(path: Path) -> dict[str, Any]:
    """Return the dict that Python 2 or 3 pickled at `path`; SciPy's sparse matrices and chumpy's arrays become arrays.

    Raises:
        UserError: the file is absent, is no such file, is cut short, or names anything else.
    """
    return checked_dict(unpickled(path, ARRAYS | SPARSE_AND_CHUMPY, header=False), path)


def unpickled(path: Path, allowed: Mapping[tuple[str, str], Any], header: bool) -> Any:
    """Return the object pickled at `path`, after an `.npy` header or from the file's start.

    Raises:
        UserError: the file is absent, is no such file, is cut short, or names what is not `allowed`.
    """
    try:
        with path.open("rb") as file:
            if header:
                read_object_header(file)
            check_memo(file)
            return plain(InertUnpickler(file, allowed).load())
    except FileNotFoundError as error:
        raise UserError(f"There is no file at {path}; choose the head's model file.") from error
    except ForbiddenError as error:
        raise UserError(f"{path} was not read: it holds {error}, which does not belong in a model file.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); choose the head's model file.") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise UserError(f"{path} is damaged or is not a model file; download it again.") from error


def checked_dict(content: Any, path: Path) -> dict[str, Any]:
    """Return `content`. Raises UserError unless it is a dict."""
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no dictionary of arrays; choose the head's model file.")
    return content


def check_memo(file: BinaryIO) -> None:
    """Raise ValueError where a pickle is cut short or remembers an object by a number beyond the count of objects.

    Pickles number what they remember from 0 or 1 on, and C's unpickler sets memory aside up to the highest number: a
    damaged one of four bytes took 30 GB. The file is read on from where it stands, and stands there again.
    """
    start = file.tell()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if opcode.name in MEMO_OPCODES and isinstance(argument, int) and argument > count:
            raise ValueError(f"object {argument} remembered as the opcode {count}")
    file.seek(start)


class ForbiddenError(Exception):
    """The pickle names something that is not on the list; the text says what."""


class InertUnpickler(pickle.Unpickler):
    """An unpickler that knows the names on its list and nothing else."""

    def __init__(self, file: BinaryIO, allowed: Mapping[tuple[str, str], Any]) -> None:
        super().__init__(file, encoding="latin1")
        self.allowed = allowed

    def find_class(self, module: str, name: str) -> Any:
        """Return what stands for an allowed name; refuse every other before it is imported."""
        if (module, name) not in self.allowed:
            raise ForbiddenError(f"{module}.{name}")
        return self.allowed[module, name]


class Kept:
    """Stands for an object of the pickle: keeps the state that the object would have been given."""

    def __init__(self, *_arguments: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class KeptType:
    """Stands for a `numpy.dtype`."""

    def __init__(self, spelling: str = "", *_arguments: Any) -> None:
        self.spelling, self.order = spelling, "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = state[1]

    def numpy(self) -> np.dtype[Any]:
        """Return the type; raise ValueError for one that is no plain number, text or object."""
        if not PLAIN_TYPE.fullmatch(self.spelling) or self.order not in ("<", ">", "|", "="):
            raise ValueError("an unusual type of numbers")
        return np.dtype(self.order.replace("|", "=") + self.spelling)


class KeptArray(Kept):
    """Stands for a `numpy.ndarray`: (version, shape, type, whether columns come first, bytes or list of objects)."""

    def array(self, done: dict[int, Any]) -> Numbers:
        """Return the array, of the kept `[shape]`; raise whatever where the state makes none."""
        _, shape, kept, columns_first, content = self.state
        dtype = kept.numpy()
        if dtype.kind == "O":
            flat = np.empty(len(content), object)
            for index, each in enumerate(content):
                flat[index] = plain(each, done)
        else:
            flat = np.frombuffer(content.encode("latin1") if isinstance(content, str) else content, dtype)
        shaped = flat.reshape(shape, order="F") if columns_first else flat.reshape(shape)
        return shaped.astype(dtype.newbyteorder("="), order="C")


class KeptSparse(Kept):
    """Stands for a SciPy matrix in compressed columns."""

    def array(self, done: dict[int, Any]) -> Numbers:
        """Return it with its zeros, `[rows, columns]`; raise whatever where the state makes none."""
        state = plain(self.state, done)
        rows, columns = state["_shape"]
        in_columns = np.diff(state["indptr"])
        said = (columns, len(state["indices"]))
        if rows * columns > LARGEST_SPARSE or said != (len(in_columns), in_columns.sum()):
            raise ValueError("a matrix of another size than it says")
        dense = np.zeros((rows, columns), state["data"].dtype)
        column = np.repeat(np.arange(columns), in_columns)
        dense[state["indices"], column] = state["data"]
        return dense


class KeptChumpy(Kept):
    """Stands for chumpy's `Ch`, an array that remembers how it came about."""

    def array(self, done: dict[int, Any]) -> Numbers:
        """Return its numbers, of their own `[shape]`; raise whatever where there are none."""
        numbers = plain(self.state["x"], done)
        if not isinstance(numbers, np.ndarray):
            raise ValueError("an array without numbers")
        return numbers


def plain(content: Any, done: dict[int, Any] | None = None) -> Any:
    """Return `content` with arrays in the places of what stands for them.

    `done` has what was returned before by `id`, so that what is shared in the pickle is worked on once.
    """
    done = {} if done is None else done
    if id(content) not in done:
        done[id(content)] = replaced(content, done)
    return done[id(content)]


def replaced(content: Any, done: dict[int, Any]) -> Any:
    """Return what takes the place of `content`; see `plain`."""
    if isinstance(content, KeptArray | KeptSparse | KeptChumpy):
        return content.array(done)
    if isinstance(content, dict):
        return {key: plain(value, done) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(plain(value, done) for value in content)
    return content


def empty_array(kind: Any, *_arguments: Any) -> KeptArray:
    """Stand for NumPy's `_reconstruct`, for plain arrays only."""
    if kind is not KeptArray:
        raise ForbiddenError(f"an array of kind {kind!r}")
    return KeptArray()


def empty_object(kind: Any, *_arguments: Any) -> Kept:
    """Stand for `copy_reg._reconstructor`: an object whose state follows."""
    if not (isinstance(kind, type) and issubclass(kind, Kept)):
        raise ForbiddenError(f"an object of kind {kind!r}")
    return kind()


def latin_bytes(text: str = "", _encoding: str = "latin1") -> bytes:
    """Stand for `_codecs.encode` and `bytes`, by which older pickles of Python 3 spell bytes and no bytes."""
    return text.encode("latin1")


MEMO_OPCODES = ("PUT", "BINPUT", "LONG_BINPUT")
"""Those that say by which number an object is remembered."""
LARGEST_SPARSE = 10**7
"""Numbers of a matrix with its zeros; FLAME's joints are 5 rows of its 5023 vertices."""
PLAIN_TYPE = re.compile(r"[fiu][1248]|b1|[US]\d{1,4}|O8?")
"""Spellings of the types that a model's arrays have."""
ARRAYS: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): empty_array,  # as NumPy 1 spells it
    ("numpy._core.multiarray", "_reconstruct"): empty_array,  # as NumPy 2 spells it
    ("numpy", "ndarray"): KeptArray,
    ("numpy", "dtype"): KeptType,
}
"""All that a pickled dict of arrays has to name. Anything else may be code and is refused unread."""
SPARSE_AND_CHUMPY: dict[tuple[str, str], Any] = {
    ("scipy.sparse.csc", "csc_matrix"): KeptSparse,
    ("scipy.sparse._csc", "csc_matrix"): KeptSparse,
    ("chumpy.ch", "Ch"): KeptChumpy,
    ("copy_reg", "_reconstructor"): empty_object,
    ("copyreg", "_reconstructor"): empty_object,
    ("__builtin__", "object"): Kept,
    ("builtins", "object"): Kept,
    ("_codecs", "encode"): latin_bytes,
    ("__builtin__", "bytes"): latin_bytes,
}
"""What FLAME's pickles name besides."""


def read_object_header(file: BinaryIO) -> None:
    """Read past the `.npy` header; it must announce one object."""
    version = np.lib.format.read_magic(file)
    is_first = version == (1, 0)
    header = np.lib.format.read_array_header_1_0(file) if is_first else np.lib.format.read_array_header_2_0(file)
    shape, _, dtype = header
    if dtype.kind != "O" or shape not in ((), (1,)):
        raise ValueError("not a pickled object")
