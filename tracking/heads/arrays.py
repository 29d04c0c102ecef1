# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of arrays, by what their elements are; what `[shape]` an array has, docstrings say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Coordinates, coefficients, colours and mattes at rest."""
Doubles = NDArray[np.float64]
"""What a solver computes with."""
Integers = NDArray[np.int32]
"""Vertex numbers, as they are kept in a head: triangles, landmarks."""
Indices = NDArray[np.intp]
"""Places in another array, as NumPy finds them."""
Booleans = NDArray[np.bool_]
Image = NDArray[np.uint8]
"""A picture `[H, W, 3]` in RGB, or one of its channels `[H, W]`."""
Numbers = NDArray[Any]
"""Elements of any kind, which a function keeps or does not mind."""
