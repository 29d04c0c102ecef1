# SPDX-License-Identifier: GPL-3.0-or-later
"""A neutral photo of a person, made to smile as another photo of the same person does, against that photo.

    python benchmarks/smile.py NEUTRAL SMILING [NEUTRAL SMILING ...] [--seconds 120 | --steps 2400] [--size 256]
        --out FOLDER

A head in 3D is built of the neutral photo alone and takes the pose and expression that are solved from the other one.
PSNR of head pixels; beside it the neutral photo held still. The sheets show, for each person: neutral, smiling, the
avatar, and the avatar from its right and left.
"""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from hardware import hardware
from markdown import report
from semblance.engine.commands.terminal import shown
from semblance.neural.avatar import Avatar
from semblance.neural.kinds import BUILDS
from semblance.neural.rendering.orbit import seen_from
from semblance.neural.rendering.reenact import driven
from semblance.protocol.foreground import over
from semblance.tracking.datasets.pictures import central_window
from semblance.tracking.heads.registry import open_head
from semblance.tracking.mattes.head_only import HeadOnly
from semblance.tracking.mattes.selfie_matting import builtin_matting
from semblance.tracking.photos.photo import photo_dataset
from semblance.tracking.photos.portraits import found_portrait, solve_portraits

if TYPE_CHECKING:
    from semblance.tracking.heads.arrays import Booleans, Image

TURN = 25.0
"""Degrees."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+", metavar="NEUTRAL SMILING")
    parser.add_argument("--seconds", type=float, help="of each training; the preset's time when not given")
    parser.add_argument("--steps", type=int, help="of each training, instead of a time: the same on a busy machine")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows, limits = [], {"seconds": options.seconds, "steps": options.steps}
    for neutral, smiling in zip(options.photos[::2], options.photos[1::2], strict=True):
        rows.append([neutral.stem, *compared(neutral, smiling, options.out, options.size, limits)])
        print(rows[-1])
    report("Smiles", ("person", "avatar, dB", "photo held still, dB"), rows, hardware(), options.out / "smile.md")


def compared(neutral: Path, smiling: Path, folder: Path, size: int, limits: dict[str, Any]) -> list[str]:
    """PSNR of the avatar, which is trained within the `limits`, and of the photo held still; writes the sheet."""
    head, file = open_head("builtin"), folder / f"{neutral.stem}.safetensors"
    with shown() as listener:
        dataset = photo_dataset(neutral, folder / neutral.stem, head=head, size=size, listener=listener)
        if not file.is_file():
            BUILDS["splats"](dataset.folder, file, train_share=1, listener=listener, **limits)
    avatar, portraits = Avatar.load(file), [found_portrait(each) for each in (neutral, smiling)]
    both = solve_portraits(head, portraits, size)
    acted = driven(avatar, both.at(slice(1, 2)), absolute=True).at(np.zeros(3, int))
    angles = np.radians(np.array([[0.0, 0, 0], [0, -TURN, 0], [0, TURN, 0]])).astype(np.float32)
    views = [avatar.render(each).rgba[0] for each in seen_from(head, acted, angles, size)]
    with closing(builtin_matting(head, both.at(slice(1, 2)))) as matting:
        matte = central_window(HeadOnly(matting, head, both.at(slice(1, 2)))(portraits[1].window(size)))
    still, truth = (central_window(each.window(size)) for each in portraits)
    ours = over(views[0], np.zeros_like(truth))
    sheet = [still, truth, *[over(each, np.full_like(truth, 128)) for each in views]]
    cv2.imwrite(str(folder / f"{neutral.stem}.png"), np.concatenate(sheet, 1)[..., ::-1])
    return [f"{psnr(each, truth, matte > 0.9):.2f}" for each in (ours, still)]


def psnr(picture: Image, truth: Image, where: Booleans) -> float:
    """Of the pixels `where [H, W]`."""
    return float(10 * np.log10(255**2 / np.square(picture[where].astype(float) - truth[where]).mean()))


if __name__ == "__main__":
    main()
