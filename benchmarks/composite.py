# SPDX-License-Identifier: GPL-3.0-or-later
"""Avatars laid over their clean plate, as their unseen footage performs, beside that footage: the whole frame.

    python benchmarks/composite.py --row "kitchen_talk: 256 px, 3 min" AVATAR DATASET --row ... [--out FOLDER]

PSNR of the whole window and of a band of 8 pixels to either side of the footage's outline, as far as the footage's
picture reaches; for the portrait over its own background, over the plate as it was painted, and over the plate with its
person alone. Holes are pixels farther than 3 from the outline that are not solid, in percent. Roughness is how far the
outline, at twice the size, strays from the same one smoothed, in pixels of the window, beside that of the footage's
matte. Writes composite.md and a sheet for each row.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter1d
from semblance.benchmarks.hardware import hardware
from semblance.benchmarks.markdown import report
from semblance.neural.avatar import Avatar
from semblance.neural.evaluation.evaluate import held_out, unseen_share
from semblance.neural.evaluation.footage import inputs_of
from semblance.neural.evaluation.metrics import psnr
from semblance.neural.training.plates import lit_as, plate_of, whole_plate
from semblance.protocol.foreground import over, person_alone
from semblance.tracking.datasets.dataset import Dataset
from semblance.tracking.datasets.pictures import read_matte, read_window
from semblance.tracking.media.video import side_by_side, write_png
from skimage.measure import find_contours

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from semblance.tracking.heads.arrays import Booleans, Floats, Image
    from semblance.tracking.performances.performance import Crop

BAND = 8
DEPTH = 3
SOLID = 0.97
SMOOTHED = 4.0
"""Pixels, at twice the size, of the kernel that smooths an outline."""
OWN, PAINTED, ALONE = "own background", "plate, as painted", "plate, person alone"
HEADINGS = ("avatar", "laid over", "PSNR", "PSNR at the outline", "holes %", "roughness", "footage's")
NOTES = (
    "The frames are those that training never saw, in the performance that was tracked in them. Holes and roughness "
    "are of the alpha that is laid over the plate."
)


@dataclass
class Found:
    """What the frames of one row gave, frame by frame: PSNR of the window and of the band, holes, roughness."""

    whole: list[float] = field(default_factory=list)
    band: list[float] = field(default_factory=list)
    holes: list[float] = field(default_factory=list)
    rough: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--row", nargs=3, action="append", required=True, metavar=("NAME", "AVATAR", "DATASET"))
    parser.add_argument("--frames", type=int, default=24, help="at most, evenly apart")
    parser.add_argument("--out", type=Path, default=Path("composite"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, ...]] = []
    for name, avatar, dataset in options.row:
        found, footages, sheet = measured(Avatar.load(avatar), Dataset.open(dataset), options.frames)
        write_png(options.out / f"{name.replace(':', '').replace(' ', '_')}.png", sheet)
        for laid, each in found.items():
            figures = (each.whole, each.band, each.holes, each.rough, footages)
            rows.append((name, laid, *(f"{np.mean(figure):.2f}" for figure in figures)))
    report("Over the clean plate", HEADINGS, rows, f"{hardware()}\n\n{NOTES}", options.out / "composite.md")


def measured(avatar: Avatar, dataset: Dataset, most: int) -> tuple[dict[str, Found], list[float], Image]:
    """Compare an avatar with the frames that it has not seen; also return the footage's roughness, and a sheet."""
    size, backdrop = avatar.metadata.resolution, avatar.kind.has_backdrop
    performance = dataset.performance()
    plate = plate_of(dataset, performance, size, head_alone=not backdrop)
    assert plate is not None, f"{dataset.folder} has no clean plate"
    assert performance.crop is not None
    unseen = held_out(performance.trusted, unseen_share(avatar, None))[1]
    chosen = sorted({unseen[int(place)] for place in np.linspace(0, len(unseen) - 1, most)})
    found = {name: Found() for name in ((OWN, PAINTED, ALONE) if backdrop else (PAINTED,))}
    footages, sheet = [], []
    picture_of_all = whole_plate(dataset, performance, head_alone=not backdrop)
    assert picture_of_all is not None
    filmed = inside(performance.crop, size, picture_of_all.shape[:2])
    with inputs_of(avatar, dataset, size) as inputs:
        for index in chosen:
            footage, matte = read_window(dataset, index, size), matte_of(dataset, index, size)
            rgba, behind = avatar.render(inputs(index)).rgba[0], lit_as(plate, dataset, index)
            near = band_of(matte) & filmed
            pictures = {OWN: (rgba[..., :3], rgba), PAINTED: (over(rgba, behind), rgba)}
            pictures[ALONE] = (over(person_alone(rgba), behind), person_alone(rgba))
            for name, each in found.items():
                picture, laid = pictures[name]
                errors = picture.astype(np.float32) / 255, footage.astype(np.float32) / 255
                alpha = laid[..., 3].astype(np.float32) / 255
                each.whole.append(psnr(*errors, filmed))
                each.band.append(psnr(*errors, near))
                each.holes.append(100 * holes(alpha))
                each.rough.append(roughness(alpha))
            footages.append(roughness(matte))
            shown = {"footage": footage} | {name: pictures[name][0] for name in found}
            sheet.append(side_by_side(shown, 2 * size))
    return found, footages, np.concatenate(sheet[:: max(1, len(sheet) // 4)])


def inside(crop: Crop, size: int, picture: tuple[int, ...]) -> Booleans:
    """Return `[size, size]`: where the window shows what a picture (height, width) holds, not its edge repeated."""
    places = (np.arange(size) + 0.5) * crop.side / size
    rows, columns = crop.y + places, crop.x + places
    within: Booleans = ((rows > 0) & (rows < picture[0]))[:, None] & (columns > 0) & (columns < picture[1])
    return within


def matte_of(dataset: Dataset, index: int, size: int) -> Floats:
    """Return the matte `[size, size]`, 0 to 1, of a frame's central window."""
    matte: Floats = read_matte(dataset, index, size).astype(np.float32) / 255
    return matte


def band_of(matte: Floats) -> Booleans:
    """Return `[S, S]`: what is at most `BAND` pixels from the outline of a matte `[S, S]`."""
    person = (matte >= 0.5).astype(np.uint8)
    distances = (cv2.distanceTransform(each, cv2.DIST_L2, 5) for each in (person, 1 - person))
    near: Booleans = np.maximum(*distances) <= BAND
    return near


def holes(alpha: Floats) -> float:
    """Return the share of the pixels of `alpha [S, S]` well inside the outline that are not solid.

    The outline is that between the person and what hangs together with the picture's edge.
    """
    labels = cv2.connectedComponents((alpha < 0.5).astype(np.uint8), connectivity=4)[1]
    edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    outside = np.isin(labels, edge[edge > 0])
    deep: NDArray[np.bool_] = cv2.distanceTransform((~outside).astype(np.uint8), cv2.DIST_L2, 5) > DEPTH
    return float((alpha[deep] < SOLID).mean()) if deep.any() else 0.0


def roughness(alpha: Floats) -> float:
    """Return how far the longest outline of `alpha [S, S]`, at twice the size, strays from itself smoothed, in pixels.

    Root mean square.
    """
    side = 2 * len(alpha)
    double = cv2.resize(alpha, (side, side), interpolation=cv2.INTER_CUBIC)
    outlines = find_contours(double, 0.5)
    if not outlines:
        return 0.0
    outline = max(outlines, key=len)
    steps = np.linalg.norm(np.diff(outline, axis=0), axis=1)
    along = np.concatenate([[0], np.cumsum(steps)])
    places = np.arange(0, along[-1], 0.5)
    even = np.stack([np.interp(places, along, axis) for axis in outline.T], 1)
    smooth = gaussian_filter1d(even, SMOOTHED / 0.5, axis=0, mode="nearest")
    margin = int(3 * SMOOTHED / 0.5)
    strayed = np.linalg.norm(even - smooth, axis=1)[margin:-margin]
    return float(np.sqrt(np.square(strayed).mean()) / 2) if len(strayed) else 0.0


if __name__ == "__main__":
    main()
