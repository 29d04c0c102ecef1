# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty expressions and the fifteen usual visemes, as values of ARKit's expressions. Semblance's own."""

from __future__ import annotations

from dataclasses import dataclass

from ...tracking.heads.head import ARKIT_NAMES
from .face_regions import OPPOSITES, REGION_OF

SPEECH = ("jaw", "mouth")
"""The regions that a viseme moves."""
FACE = ("eyes", "brows", "cheeks", "jaw", "mouth")
"""The regions that an expression moves: gaze stays where it is."""


@dataclass(frozen=True)
class Pose:
    """A pose of the face.

    Attributes:
        title: what it is called; kind: EXPRESSION or VISEME.
        values: what it moves, by name; every other expression of its regions goes to 0.
    """

    title: str
    kind: str
    values: dict[str, float]

    @property
    def channels(self) -> dict[str, float]:
        """Every expression that it sets, 0 to 1."""
        regions = SPEECH if self.kind == VISEME else FACE
        return {name: self.values.get(name, 0.0) for name in ARKIT_NAMES if REGION_OF[name] in regions}


EXPRESSION, VISEME = "expression", "viseme"


def spread(stems: dict[str, float]) -> dict[str, float]:
    """Return values by full names: what is named without its side means both."""
    return {
        name: value
        for stem, value in stems.items()
        for name in ((stem,) if stem in ARKIT_NAMES else (f"{stem}Left", f"{stem}Right"))
    }


def flipped(values: dict[str, float]) -> dict[str, float]:
    """Return the same as in a mirror."""
    return {OPPOSITES.get(name, name): value for name, value in values.items()}


EXPRESSIONS = {
    "Neutral": {},
    "Smile": {"mouthSmile": 0.6, "cheekSquint": 0.3, "eyeSquint": 0.15, "mouthDimple": 0.15},
    "Laugh": {
        "mouthSmile": 0.9, "jawOpen": 0.4, "cheekSquint": 0.7, "eyeSquint": 0.55, "mouthUpperUp": 0.35,
        "mouthLowerDown": 0.25, "browInnerUp": 0.15,
    },
    "Smirk": {"mouthSmileLeft": 0.6, "mouthDimpleLeft": 0.4, "cheekSquintLeft": 0.35, "mouthLeft": 0.15,
              "eyeSquintLeft": 0.15},
    "Sadness": {"mouthFrown": 0.55, "browInnerUp": 0.7, "mouthShrugLower": 0.3, "eyeBlink": 0.15, "browDown": 0.1},
    "Grief": {
        "mouthFrown": 0.7, "mouthStretch": 0.35, "browInnerUp": 0.9, "eyeSquint": 0.6, "eyeBlink": 0.3,
        "cheekSquint": 0.5, "jawOpen": 0.18, "mouthLowerDown": 0.35, "noseSneer": 0.2,
    },
    "Anger": {"browDown": 0.85, "eyeSquint": 0.4, "noseSneer": 0.35, "mouthPress": 0.5, "mouthFrown": 0.25,
              "jawForward": 0.15},
    "Rage": {
        "browDown": 1.0, "noseSneer": 0.8, "eyeWide": 0.25, "eyeSquint": 0.3, "jawOpen": 0.45, "mouthUpperUp": 0.6,
        "mouthLowerDown": 0.6, "mouthStretch": 0.4, "mouthFrown": 0.25,
    },
    "Surprise": {"browInnerUp": 0.8, "browOuterUp": 0.8, "eyeWide": 0.7, "jawOpen": 0.45, "mouthFunnel": 0.15},
    "Fear": {
        "browInnerUp": 0.9, "browOuterUp": 0.35, "browDown": 0.2, "eyeWide": 0.85, "mouthStretch": 0.65,
        "jawOpen": 0.2, "mouthLowerDown": 0.25,
    },
    "Disgust": {"noseSneer": 0.85, "mouthUpperUp": 0.45, "browDown": 0.55, "eyeSquint": 0.4, "mouthFrown": 0.4,
                "mouthShrugLower": 0.25},
    "Contempt": {"mouthSmileRight": 0.35, "mouthDimpleRight": 0.6, "mouthPressRight": 0.3, "eyeSquint": 0.2,
                 "browDownLeft": 0.2, "browOuterUpRight": 0.2},
    "Worry": {"browInnerUp": 0.65, "browDown": 0.25, "mouthPress": 0.35, "mouthStretch": 0.2, "mouthRollLower": 0.25},
    "Doubt": {"browOuterUpLeft": 0.85, "browDownRight": 0.55, "eyeSquintRight": 0.35, "mouthFrown": 0.2,
              "mouthShrugLower": 0.3, "mouthRight": 0.2},
    "Thinking": {"browDown": 0.35, "eyeSquint": 0.25, "mouthPucker": 0.3, "mouthLeft": 0.35, "mouthPress": 0.2},
    "Tired": {"eyeBlink": 0.5, "browInnerUp": 0.2, "mouthFrown": 0.2, "jawOpen": 0.06},
    "Yawn": {"jawOpen": 0.95, "eyeBlink": 0.8, "eyeSquint": 0.4, "browInnerUp": 0.5, "mouthFunnel": 0.25,
             "noseSneer": 0.2},
    "Wink": {"eyeBlinkLeft": 1.0, "cheekSquintLeft": 0.6, "mouthSmileLeft": 0.55, "mouthSmileRight": 0.25,
             "browDownLeft": 0.25},
    "Kiss": {"mouthPucker": 0.95, "mouthFunnel": 0.2, "eyeBlink": 0.25, "browInnerUp": 0.1},
    "Puffed Cheeks": {"cheekPuff": 0.9, "mouthPress": 0.35, "mouthClose": 0.05, "browInnerUp": 0.2},
}  # fmt: skip
"""Twenty expressions."""

VISEMES = {
    "sil": {},
    "PP": {"mouthPress": 0.45, "mouthRollLower": 0.3, "mouthRollUpper": 0.3},
    "FF": {"mouthRollLower": 0.65, "mouthUpperUp": 0.3, "jawOpen": 0.06, "mouthLowerDown": 0.05},
    "TH": {"jawOpen": 0.14, "tongueOut": 0.35, "mouthLowerDown": 0.2, "mouthUpperUp": 0.12},
    "DD": {"jawOpen": 0.12, "mouthLowerDown": 0.25, "mouthUpperUp": 0.15, "mouthStretch": 0.1},
    "kk": {"jawOpen": 0.2, "mouthLowerDown": 0.15, "mouthStretch": 0.15, "mouthUpperUp": 0.1},
    "CH": {"mouthFunnel": 0.5, "mouthPucker": 0.2, "jawOpen": 0.1, "mouthUpperUp": 0.12, "mouthLowerDown": 0.15},
    "SS": {"mouthStretch": 0.3, "mouthSmile": 0.15, "jawOpen": 0.04, "mouthLowerDown": 0.3, "mouthUpperUp": 0.12},
    "nn": {"jawOpen": 0.12, "mouthLowerDown": 0.15, "mouthSmile": 0.1, "mouthUpperUp": 0.1},
    "RR": {"mouthFunnel": 0.3, "mouthPucker": 0.3, "jawOpen": 0.14, "mouthLowerDown": 0.1},
    "aa": {"jawOpen": 0.5, "mouthLowerDown": 0.3, "mouthUpperUp": 0.2},
    "E": {"jawOpen": 0.28, "mouthStretch": 0.3, "mouthSmile": 0.2, "mouthLowerDown": 0.25, "mouthUpperUp": 0.12},
    "ih": {"jawOpen": 0.2, "mouthSmile": 0.35, "mouthStretch": 0.2, "mouthLowerDown": 0.2, "mouthUpperUp": 0.1},
    "oh": {"jawOpen": 0.36, "mouthFunnel": 0.55, "mouthPucker": 0.25},
    "ou": {"jawOpen": 0.15, "mouthPucker": 0.75, "mouthFunnel": 0.3},
}  # fmt: skip
"""The fifteen visemes, by the names that speech programs use."""

POSES = (
    *(Pose(title, EXPRESSION, spread(stems)) for title, stems in EXPRESSIONS.items()),
    *(Pose(f"Viseme {title}", VISEME, spread(stems)) for title, stems in VISEMES.items()),
)
"""All of them."""
