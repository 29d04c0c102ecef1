# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own performance file among the others."""

from __future__ import annotations

from ..performance import Performance
from .capture_format import CaptureFormat

NPZ = CaptureFormat(
    name="npz",
    title="Semblance's own",
    suffix=".npz",
    recognises=lambda file: file.start.startswith(b"PK") or file.path.suffix.lower() == ".npz",
    read=lambda file, _head: Performance.load(file.path),
    write=lambda performance, path, _head: performance.save(path),
)
