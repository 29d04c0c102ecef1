# SPDX-License-Identifier: GPL-3.0-or-later
"""What the losses trade: fidelity (PSNR, SSIM) against sharpness, over the weights of the perceptual, adversarial and
wavelet terms.

    python benchmarks/loss_weights.py DATASET [--seconds 180] [--out DIR]

Trains `preview` on the first 80 % of the dataset for each set of weights and measures on the rest; prints Markdown.
`--out` keeps a contact sheet of each.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from hardware import hardware
from markdown import report
from semblance.engine.commands.terminal import shown
from semblance.neural.evaluation.evaluate import evaluate
from semblance.neural.evaluation.figures import COLUMNS, Figures, written
from semblance.neural.evaluation.output import AVATAR, NEAREST, Evaluation, save
from semblance.neural.styleavatar.training.build import build
from semblance.neural.styleavatar.training.presets import PRESETS, PREVIEW, LossWeights

WEIGHTS = ("l2", "perceptual", "adversarial", "detail", "texture")
MEASURED = ("psnr", "ssim", "sharpness", "mouth_gain")
OURS = PREVIEW.losses
VARIANTS: dict[str, LossWeights] = {
    "as the preset": OURS,
    "L1 alone": replace(OURS, l2=0, detail=0, texture=0, perceptual=0, adversarial=0),
    "no squared error": replace(OURS, l2=0),
    "no adversary": replace(OURS, perceptual=0, adversarial=0),
    "no wavelet terms": replace(OURS, detail=0, texture=0),
    "texture x 2": replace(OURS, texture=2 * OURS.texture),
    "perceptual x 2": replace(OURS, perceptual=2 * OURS.perceptual),
    "adversarial x 4": replace(OURS, adversarial=4 * OURS.adversarial),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows: list[tuple[str, ...]] = []
    for name, weights in VARIANTS.items():
        found = trained(options.dataset, weights, options.seconds)
        told = (f"{getattr(weights, term):g}" for term in WEIGHTS)
        rows.append((name, *told, *cells(found.rows[AVATAR])))
        if options.out:
            save(found, options.out / name.replace(" ", "_"))
    rows.append(("nearest frame", *("" for _ in WEIGHTS), *cells(found.rows[NEAREST])))
    title = f"{options.dataset.name}, {options.seconds:.0f} s of training each"
    report(title, ("losses", *WEIGHTS, *(COLUMNS[name].heading for name in MEASURED)), rows, hardware(), None)


def cells(figures: Figures) -> list[str]:
    """The measured figures as they are shown."""
    return [written(name, getattr(figures, name)) for name in MEASURED]


def trained(dataset: Path, weights: LossWeights, seconds: float) -> Evaluation:
    """Train with these weights and measure."""
    PRESETS["trial"] = replace(PREVIEW, name="trial", losses=weights)
    with tempfile.TemporaryDirectory() as folder, shown() as listener:
        avatar = Path(folder) / "avatar.safetensors"
        build(dataset, avatar, preset="trial", seconds=seconds, listener=listener)
        return evaluate(avatar, dataset, listener=listener)


if __name__ == "__main__":
    main()
