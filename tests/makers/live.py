# SPDX-License-Identifier: GPL-3.0-or-later
"""What live sessions are tested with: a clock that stands still, an avatar that paints at once, a source in step."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from semblance.protocol.inputs import Inputs, PosedMesh
from semblance.protocol.pictures import Pictures
from semblance.tracking.heads.builtin import load_builtin
from semblance.tracking.heads.head import ARKIT_NAMES
from semblance.tracking.live.motion import Motion

from .performances import at_rest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from semblance.tracking.heads.head import MorphableHead
    from semblance.tracking.performances.performance import Performance

SIDE = 64
JAW = ARKIT_NAMES.index("jawOpen")


class FakeClock:
    """Time passes only where somebody says that he works."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class StandInAvatar:
    """Paints grey pictures, as bright as the mouth of its mesh is open; its person fills the left half.

    Attributes:
        inputs: what it is painted from. paint: called for each picture.
    """

    inputs: type[Inputs] = PosedMesh
    has_backdrop: bool = True
    plate: np.ndarray | None = None
    paint: Callable[[], None] = lambda: None
    painted: list[Inputs] = field(default_factory=list)
    person: Performance = field(default_factory=lambda: at_rest(head=load_builtin()))

    @property
    def kind(self) -> Any:
        return SimpleNamespace(inputs=self.inputs, has_backdrop=self.has_backdrop)

    @property
    def metadata(self) -> Any:
        return SimpleNamespace(kind="stand-in", resolution=SIDE, rest_performance=lambda: self.person)

    def open_head(self, _path: object = None) -> MorphableHead:
        return load_builtin()

    def render(self, inputs: Inputs, _look: object = None) -> Pictures:
        self.painted.append(inputs)
        self.paint()
        level = inputs.expression[0, JAW] if isinstance(inputs, PosedMesh) else inputs.arrays()["uv"][..., 2].mean()
        rgba = np.full((1, SIDE, SIDE, 4), 200 * level, np.uint8)
        rgba[..., 3] = 0
        rgba[:, :, : SIDE // 2, 3] = 255
        return Pictures(rgba)


class InStep:
    """Gives a motion whenever the picture of the one before has been shown, so that none is dropped."""

    name, fps = "a test", 10.0

    def __init__(self, motions: Sequence[Motion]) -> None:
        self._motions = motions
        self.shown = threading.Semaphore(1)

    def motions(self, dropped: Callable[[], None]) -> Generator[Motion, None, None]:
        for motion in self._motions:
            if not self.shown.acquire(timeout=300):
                return
            yield motion


def opening(jaws: Sequence[float], apart: float = 0.1) -> list[Motion]:
    """Motions of a mouth that is open so far, one after the other."""
    found = []
    for index, jaw in enumerate(jaws):
        expression = np.zeros(52)
        expression[JAW] = jaw
        performance = at_rest(expression=expression, times=np.array([index * apart]))
        found.append(Motion(index * apart, 100 + index * apart, "following", performance))
    return found
