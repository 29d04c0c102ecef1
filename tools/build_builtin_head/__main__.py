# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the head and write its file."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from ...common.files import written_whole
from ...tracking.heads.builtin import FORMAT, LENGTH
from ...tracking.heads.head import ARKIT_NAMES
from . import colours, eyes, statistics
from .anatomy import LEFT_IRIS, RIGHT_IRIS, Anatomy, build_anatomy, carried
from .charts import build_uvs
from .expressions import build_expressions
from .fitting import LandmarkHead, learned_differences
from .symmetry import mirror_vertices
from .topology import CONTROL

IDENTITIES = 40
NOSE_TIP, NOSE_TIP_PLACE = 1, np.array([0, 0.009, -0.100])
"""The origin lies between the ears, as in FaceVerse's heads."""


def main(folder: Path, out: Path) -> None:
    """Read the landmarks in `folder`, build the head, write it to `out`."""
    portraits, resting = statistics.people(folder)
    mirror = statistics.mirror_landmarks(portraits)
    people = portraits[resting]
    mean = statistics.procrustes_mean(people, mirror)
    mean += NOSE_TIP_PLACE - mean[NOSE_TIP]
    anatomy = build_anatomy(mean, mirror)
    partner = mirror_vertices(anatomy, mean[:CONTROL])
    differences = statistics.identity_modes(people, mean, mirror, IDENTITIES)
    identities = carried(anatomy, differences[:, :CONTROL], differences[:, [LEFT_IRIS, RIGHT_IRIS]])
    anatomical = build_expressions(anatomy, partner)
    seen = slice(0, CONTROL)
    landmark_head = LandmarkHead(anatomy.vertices[seen], identities[:, seen], anatomical[:, seen])
    learned = learned_differences(landmark_head, folder, mirror[seen])
    expressions = build_expressions(anatomy, partner, learned)
    write(out, anatomy, mean, identities, expressions)


def write(out: Path, anatomy: Anatomy, mean: np.ndarray, identities: np.ndarray, expressions: np.ndarray) -> None:
    """Write the head's file; lengths are whole multiples of `LENGTH`."""
    parted = anatomy.vertices + 0.4 * expressions[ARKIT_NAMES.index("jawOpen")]
    texture_mean, texture_basis = colours.build_colours(anatomy)
    regions = head_regions(anatomy)
    balls = [anatomy.spans["eye.L"], anatomy.spans["eye.R"]]
    vertices = as_lengths(anatomy.vertices)
    header = {
        **FORMAT.header,
        "expression_names": list(ARKIT_NAMES),
        "regions": list(regions),
        "eyeballs": [
            {
                "span": [ball.start, ball.stop],
                "pivot": (eye.centre - vertices[ball].mean(0) * LENGTH).tolist(),
            }
            for ball, eye in zip(balls, anatomy.eyes, strict=True)
        ],
    }
    arrays = {
        "mean": vertices,
        "identity_basis": as_lengths(identities),
        "expression_basis": as_lengths(expressions),
        "texture_mean": np.round(texture_mean * 255).astype(np.uint8),
        "texture_basis": np.round(texture_basis * 255).astype(np.int8),
        "triangles": anatomy.triangles.astype(np.uint16),
        "uvs": np.round(np.clip(build_uvs(anatomy, parted), 0, 1) * 65535).astype(np.uint16),
        "uv_mask": face_mask(anatomy).astype(np.uint8),
        "landmarks": landmark_vertices(anatomy, mean).astype(np.uint16),
        "regions": np.array(list(regions.values())),
    }
    with written_whole(out) as partial, partial.open("wb") as file:
        np.savez_compressed(file, header=np.array(json.dumps(header)), **arrays)


def as_lengths(metres: np.ndarray) -> np.ndarray:
    """Return lengths as int16 multiples of `LENGTH`."""
    return np.round(metres / LENGTH).astype(np.int16)


def landmark_vertices(anatomy: Anatomy, mean: np.ndarray) -> np.ndarray:
    """Return the vertex of each of MediaPipe's 478 landmarks: the skin's come first, irises are on the eyeballs."""
    ring = eyes.RING_ANGLES.index(25)
    found = [np.arange(CONTROL)]
    for ball, centre in ((anatomy.spans["eye.R"], RIGHT_IRIS), (anatomy.spans["eye.L"], LEFT_IRIS)):
        start = ball.start + 1 + ring * eyes.SEGMENTS
        across = mean[centre + 1 : centre + 5, :2] - mean[centre, :2]
        turn = np.round(np.arctan2(across[:, 1], across[:, 0]) / (np.pi / 2)).astype(int) % 4
        found.append(np.array([ball.start, *(start + turn * (eyes.SEGMENTS // 4))]))
    return np.concatenate(found)


def face_mask(anatomy: Anatomy) -> np.ndarray:
    """Return `[V]`: 1 on the face, eyes and inside the mouth; 0 on cranium, neck and ears."""
    mask = np.ones(len(anatomy.vertices))
    mask[anatomy.skin.face : len(anatomy.skin.vertices)] = 0
    for ear in ("ear.L", "ear.R"):
        mask[anatomy.spans[ear]] = 0
    return mask


def head_regions(anatomy: Anatomy) -> dict[str, np.ndarray]:
    """Return the regions by name, `[V]` bool each."""
    masks = colours.paint_masks(anatomy)

    def parts(*names: str) -> np.ndarray:
        mask = np.zeros(len(anatomy.vertices), bool)
        for name in names:
            mask[anatomy.spans[name]] = True
        return mask

    skin = parts("skin")
    neck = skin & (anatomy.vertices[:, 1] > 0.06) & (np.arange(len(skin)) >= anatomy.skin.face)
    return {
        "skin": skin & (masks["lips"] < 0.5) & ~neck,
        "lips": masks["lips"] > 0.5,
        "brows": masks["brows"] > 0.5,
        "mouth": parts("bag", "teeth.upper", "teeth.lower", "tongue"),
        "teeth": parts("teeth.upper", "teeth.lower"),
        "tongue": parts("tongue"),
        "eyes": parts("eye.L", "eye.R"),
        "ears": parts("ear.L", "ear.R"),
        "neck": neck,
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m semblance.tools.build_builtin_head LANDMARKS_DIR OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
