# SPDX-License-Identifier: GPL-3.0-or-later
"""What radiance avatars learn in a given time: PSNR of head pixels in frames that they have not seen, and speed.

    python benchmarks/radiance.py synthetic --side 128 --seconds 120 [--kind field] [--splats 25000] [--pictures FOLDER]
    python benchmarks/radiance.py DATASET --seconds 120 [--kind field] [--splats 25000] [--pictures FOLDER]

The synthetic scene has known geometry; its unseen frames are of the training's performance, the novel ones are
mixtures of expressions in other poses. Of a dataset the last fifth is unseen. Seconds are of processor time, divided
by the cores, so that other work on the machine counts little. Beside it stands the nearest training frame. Holes are
pixels well within the head's outline whose alpha is below 0.7, when the head is turned from where the footage has it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch
from hardware import cores, hardware
from semblance.neural.evaluation.evaluate import held_out
from semblance.neural.evaluation.metrics import high_band_energy
from semblance.neural.radiance.dataset_scene import scene_of_dataset
from semblance.neural.radiance.field.learner import FieldLearner
from semblance.neural.radiance.outlines import outline_of
from semblance.neural.radiance.splats.learner import FRAMES, SplatsLearner
from semblance.tests.makers.synthetic_head import synthetic_scene
from semblance.tracking.datasets.dataset import Dataset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from semblance.neural.radiance.learner import RadianceLearner
    from semblance.neural.radiance.scene import RadianceScene

YAWS = (-20, -10, 0, 10, 20)
"""Degrees beyond the footage's own yaw on either side, and within it."""
WITHIN = 4
"""Pixels of 256 from the outline within which a hole is none."""


@dataclass(frozen=True)
class Subject:
    scene: RadianceScene
    training: Sequence[int]
    tests: dict[str, Sequence[int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subject", help="`synthetic`, or the folder of a tracked dataset")
    parser.add_argument("--side", type=int, default=128, help="pixels of the synthetic pictures")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--kind", choices=("splats", "field"), default="splats")
    parser.add_argument("--splats", type=int, default=25_000)
    parser.add_argument("--pictures", type=Path, help="a folder for pictures to look at")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(hardware())
    subject = synthetic(options.side) if options.subject == "synthetic" else tracked(options.subject)
    learner: RadianceLearner
    if options.kind == "field":
        learner, frames = FieldLearner(subject.scene, subject.training), 1
    else:
        learner, frames = SplatsLearner(subject.scene, subject.training, options.splats), FRAMES
    facts: dict[str, Any] = trained(learner, options.seconds, frames) | learner.network.config
    for name, tested in subject.tests.items():
        facts[name] = figures(subject, learner, tested)
    facts["holes %"] = holes(subject.scene, learner, subject.training)
    print(json.dumps(facts, indent=1))
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
        look(subject, learner, options.pictures)


def synthetic(side: int) -> Subject:
    made = synthetic_scene(side)
    return Subject(made.scene, made.training, {"unseen": made.unseen, "novel": made.novel})


def tracked(folder: str) -> Subject:
    dataset = Dataset.open(folder)
    training, test = held_out(dataset.performance().trusted)
    return Subject(scene_of_dataset(dataset), training, {"unseen": test[:: max(1, len(test) // 40)]})


def trained(learner: RadianceLearner, seconds: float, frames: int) -> dict[str, float]:
    """Train, with so many frames a step; the first one, which compiles kernels, does not count."""
    learner.step(0, 0, lambda: None)
    started, began, index = time.process_time(), time.perf_counter(), 1
    while (fraction := (time.process_time() - started) / cores() / seconds) < 1:
        learner.step(index, fraction, lambda: None)
        index += 1
    wall = time.perf_counter() - began
    return {
        "steps": index,
        "frames/s": round(frames * index / seconds, 1),
        "wall s": round(wall),
        "load at the end": round(os.getloadavg()[0], 1),
    }


def figures(subject: Subject, learner: RadianceLearner, frames: Sequence[int]) -> dict[str, float]:
    """Mean PSNR of head pixels, of ours and of the nearest training frame; how sharp ours are; milliseconds a picture.

    Sharpness is the energy of the highest frequencies well within the head's outline, by that of the footage.
    """
    scene, ours, nearest, sharpness, spent = subject.scene, [], [], [], 0.0
    for index in frames:
        view = scene.view(index, whole=True)
        began = time.process_time()
        drawn = learner.network.render(learner.network.prepare(view.head), view.camera).rgba[..., :3]
        spent += time.process_time() - began
        truth = view.colour * view.alpha[..., None]
        inside = (view.alpha > 0.5) & (view.weight > 0.5)
        ours.append(psnr(drawn[inside], truth[inside]))
        inner = outline_of(scene, view.head, shrunk=WITHIN * scene.camera.width / 256) & inside.numpy()
        energy, true_energy = (high_band_energy(picture.numpy(), inner) for picture in (drawn, truth))
        sharpness.append(energy / true_energy)
        other = scene.view(near(scene, subject.training, index), whole=True)
        nearest.append(psnr((other.colour * other.alpha[..., None])[inside], truth[inside]))
    return {
        "PSNR": round(float(np.mean(ours)), 2),
        "nearest": round(float(np.mean(nearest)), 2),
        "sharpness": round(float(np.mean(sharpness)), 2),
        "CPU ms a picture": round(spent / len(frames) * 1e3, 1),
    }


def near(scene: RadianceScene, training: Sequence[int], index: int) -> int:
    """The training frame whose head is nearest."""
    apart = (scene.vertices[list(training)] - scene.vertices[index]).square().mean((1, 2))
    return training[int(apart.argmin())]


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return -10 * math.log10(float((a - b).square().mean()) + 1e-12)


def turns(scene: RadianceScene, training: Sequence[int]) -> tuple[int, list[float]]:
    """A frame that looks ahead, and yaws (radians) to turn it by: to 20 degrees beyond the footage's own."""
    yaw = torch.atan2(scene.rotations[:, 0, 2], scene.rotations[:, 2, 2])[list(training)]
    middle = int(yaw.sub(yaw.median()).abs().argmin())
    low, high = float(yaw.min() - yaw[middle]), float(yaw.max() - yaw[middle])
    beyond = math.radians(20)
    return training[middle], [low - beyond, low, 0.0, high, high + beyond]


def holes(scene: RadianceScene, learner: RadianceLearner, training: Sequence[int]) -> dict[str, float]:
    frame, yaws = turns(scene, training)
    found = {}
    for yaw in yaws:
        head = scene.head(frame).orbited(yaw)
        alpha = learner.network.render(learner.network.prepare(head), scene.camera).rgba[..., 3]
        inner = outline_of(scene, head, shrunk=WITHIN * scene.camera.width / 256)
        found[f"{math.degrees(yaw):.0f}"] = round(100 * float((alpha.numpy()[inner] < 0.7).mean()), 3)
    return found


def look(subject: Subject, learner: RadianceLearner, folder: Path) -> None:
    """Write unseen frames, truth above ours, and a turn."""
    for name, frames in subject.tests.items():
        pairs = []
        for index in list(frames)[:: max(1, len(frames) // 5)][:5]:
            view = subject.scene.view(index, whole=True)
            drawn = learner.network.render(learner.network.prepare(view.head), view.camera).rgba[..., :3]
            pairs.append(torch.cat([view.colour * view.alpha[..., None], drawn], 0))
        write(folder / f"{name}.png", torch.cat(pairs, 1))
    frame, yaws = turns(subject.scene, subject.training)
    poses = [subject.scene.head(frame).orbited(yaw) for yaw in yaws]
    turned = [learner.network.render(learner.network.prepare(head), subject.scene.camera).rgba for head in poses]
    grey = [picture[..., :3] + 0.5 * (1 - picture[..., 3:]) for picture in turned]
    write(folder / "turn.png", torch.cat(grey, 1))


def write(path: Path, picture: torch.Tensor) -> None:
    pixels = (picture.clamp(0, 1) * 255 + 0.5).byte().numpy()
    cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
