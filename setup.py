# SPDX-License-Identifier: GPL-3.0-or-later
"""The package `semblance` is this folder itself; its rooms are found, not listed."""

from __future__ import annotations

import tomllib
from pathlib import Path

from setuptools import find_packages, setup

NOT_SHIPPED = ("benchmarks*", "blender_addon*", "docs*", "packaging*", "tests*", "tools*")

manifest = tomllib.loads(Path("blender_manifest.toml").read_text(encoding="utf-8"))
rooms = find_packages(exclude=NOT_SHIPPED)
setup(
    version=manifest["version"],
    packages=["semblance", *(f"semblance.{room}" for room in rooms)],
    package_dir={"semblance": "."},
)
