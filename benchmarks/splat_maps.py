# SPDX-License-Identifier: GPL-3.0-or-later
"""An experiment: a portrait whose texture map is its own head of splats.

    python benchmarks/splat_maps.py DATASET SPLATS OUT

Copies a video's dataset to the folder OUT, with what the avatar SPLATS, built on it, shows of each frame in place of
the texture map; build and evaluate a portrait on both (`semblance build --kind portrait`, `video_heads.py`).
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import numpy as np
from semblance.common.clock import Clock
from semblance.engine.commands.terminal import shown
from semblance.neural.avatar import Avatar
from semblance.neural.evaluation.footage import inputs_of
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.media.video import write_png


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("dataset", "splats", "out"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    shutil.copytree(options.dataset, options.out)
    dataset, avatar = Dataset.open(options.out), Avatar.load(options.splats)
    with inputs_of(avatar, dataset, dataset.size) as draw, shown() as listener:
        clock = Clock("Rendering", len(dataset.names), listener)
        for index, name in enumerate(dataset.names):
            rgba = avatar.render(draw(index)).rgba[0].astype(np.float32)
            texture = (rgba[..., :3] * rgba[..., 3:] / 255).round().astype(np.uint8)
            write_png(dataset.texture_map(name), texture)
            clock.tell_finished(index + 1)


if __name__ == "__main__":
    main()
