# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in head: made by this project, no download.

`tools/build_builtin_head` makes its data file; this module only reads it.
"""

from __future__ import annotations

import json
import zipfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...common.errors import UserError
from ...common.file_format import FileFormat
from .head import ARKIT_NAMES, Eyeball, MorphableHead

if TYPE_CHECKING:
    from .arrays import Floats, Numbers

NAME = "builtin"
FORMAT = FileFormat("semblance-builtin-head", 1)
LENGTH = 1e-5
"""Metres in one step of the whole numbers in which the file keeps lengths."""

DATA = Path(__file__).with_name("data") / "builtin.npz"


@cache
def load_builtin(path: Path = DATA) -> MorphableHead:
    """Read the built-in head; its arrays are read-only, since all callers share them.

    Identity and texture coefficients are in standard deviations of the people measured: about N(0, 1).

    Raises:
        UserError: the file is absent, damaged or of another version, so Semblance has to be installed again.

    Example:
        >>> head = load_builtin()
        >>> head.name, len(head.expression_basis), len(head.landmarks)
        ('builtin', 52, 478)
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            header = json.loads(str(file["header"]))
            arrays = {name: file[name] for name in file.files if name != "header"}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"The built-in head at {path} is missing or damaged; install Semblance again.") from error
    unfit = f"The built-in head at {path} does not fit this Semblance; install Semblance again."
    version = FORMAT.version_in(header, foreign=unfit, newer=unfit, damaged=unfit)
    if version < FORMAT.version or header["expression_names"] != list(ARKIT_NAMES):
        raise UserError(unfit)
    left, right = header["eyeballs"]
    head = MorphableHead(
        name=NAME,
        mean=lengths(arrays["mean"]),
        identity_basis=lengths(arrays["identity_basis"]),
        expression_basis=lengths(arrays["expression_basis"]),
        texture_mean=arrays["texture_mean"].astype(np.float32) / 255,
        texture_basis=arrays["texture_basis"].astype(np.float32) / 255,
        triangles=arrays["triangles"].astype(np.int32),
        uvs=arrays["uvs"].astype(np.float32) / 65535,
        uv_mask=arrays["uv_mask"].astype(np.float32),
        landmarks=arrays["landmarks"].astype(np.int32),
        eyeballs=(eyeball(left), eyeball(right)),
        regions=dict(zip(header["regions"], arrays["regions"], strict=True)),
    )
    for array in (*vars(head).values(), *head.regions.values()):
        if isinstance(array, np.ndarray):
            array.flags.writeable = False
    return head


def eyeball(entry: dict[str, list[float]]) -> Eyeball:
    """Return an eyeball from the header's `span` (start, stop) and `pivot` (metres from the mean to the centre)."""
    (start, stop), (x, y, z) = entry["span"], entry["pivot"]
    return Eyeball(int(start), int(stop), (x, y, z))


def lengths(steps: Numbers) -> Floats:
    """Return metres `[...]` of lengths `[...]` kept as whole multiples of `LENGTH`."""
    return steps.astype(np.float32) * np.float32(LENGTH)
