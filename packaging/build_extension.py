# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the extension's zip with Blender's own tool. Run with a Python that has the `bpy` wheel; standard library only.

python packaging/build_extension.py --out dist
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(out: Path) -> Path:
    """Build and validate `semblance-<version>.zip` in the folder `out`; return its path.

    Raises:
        subprocess.CalledProcessError: Blender's tool refused the source or the zip; it has printed why.
        FileNotFoundError: this Python has no `bpy` wheel.
    """
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    archive = out / f"{manifest['id']}-{manifest['version']}.zip"
    out.mkdir(parents=True, exist_ok=True)
    tool = [sys.executable, str(blender_tool())]
    subprocess.run([*tool, "build", "--source-dir", ROOT, "--output-filepath", archive], check=True)
    subprocess.run([*tool, "validate", archive], check=True)
    return archive


def blender_tool() -> Path:
    """Blender's extension tool inside the `bpy` wheel (found without importing bpy, which takes seconds)."""
    spec = importlib.util.find_spec("bpy")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        for tool in Path(place).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"):
            return tool
    raise FileNotFoundError("This Python has no bpy wheel; run `python3 run.py package` instead.")


def main() -> int:
    """Build the zip where the command line says."""
    parser = argparse.ArgumentParser(description="Make and validate the extension's zip.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the zip")
    try:
        archive = build(parser.parse_args().out.resolve())
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        return error.returncode
    print(f"{archive} ({archive.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
