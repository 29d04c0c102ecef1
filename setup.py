# SPDX-License-Identifier: GPL-3.0-or-later
"""The package `semblance` is this folder itself; its rooms are found, not listed."""

from __future__ import annotations

import tomllib
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

NOT_SHIPPED = ("benchmarks*", "blender_addon*", "docs*", "packaging*", "tests*", "tools*")


class BuildRooms(build_py):  # type: ignore[misc]
    """Leaves out this folder's scripts, which would become modules of the package."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """List (package, module, file) of a package."""
        modules = super().find_package_modules(package, package_dir)
        return [module for module in modules if package != "semblance" or module[1] == "__init__"]


manifest = tomllib.loads(Path("blender_manifest.toml").read_text(encoding="utf-8"))
rooms = find_packages(exclude=NOT_SHIPPED)
setup(
    version=manifest["version"],
    packages=["semblance", *(f"semblance.{room}" for room in rooms)],
    package_dir={"semblance": "."},
    cmdclass={"build_py": BuildRooms},
)
