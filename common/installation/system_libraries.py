# SPDX-License-Identifier: GPL-3.0-or-later
"""The graphics libraries of a Linux system that drawing maps, and Blender as a module, need."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from ..errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libEGL_mesa.so.0": "libegl-mesa0",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
}
"""System libraries that the map rasteriser and the bpy wheel load, and the Debian package of each."""


def require_libraries() -> None:
    """Make sure that the graphics libraries are there; install them when root on a system with apt.

    Raises:
        UserError: some are missing, and how to get them.
    """
    if not sys.platform.startswith("linux"):
        return
    missing = list(missing_packages())
    if not missing:
        return
    missing.append("libgl1-mesa-dri")
    command = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if shutil.which("apt-get") is None:
        raise UserError(f"These system libraries are missing: {', '.join(missing)} (Debian's names); install them.")
    if os.geteuid() != 0:
        raise UserError(f"Some system libraries are missing; run `sudo {' '.join(command)}` and try again.")
    print(f"Installing system libraries: {' '.join(missing)}", flush=True)
    for words in (["apt-get", "update", "-q"], command):
        if subprocess.run(words, capture_output=True, check=False).returncode != 0:
            raise UserError(f"apt-get could not install {' '.join(missing)}; install them by hand and try again.")


def missing_packages() -> Iterator[str]:
    """Debian packages of the libraries that do not load."""
    for library, name in LIBRARIES.items():
        try:
            ctypes.CDLL(library)
        except OSError:
            yield name
