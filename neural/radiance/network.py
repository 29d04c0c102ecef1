# SPDX-License-Identifier: GPL-3.0-or-later
"""The one interface of splats and fields."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from ...tracking.heads.camera import PinholeCamera
    from .scene import PosedHead, Rendering

Derived = TypeVar("Derived")


class RadianceNetwork(nn.Module, ABC, Generic[Derived]):
    """Colour and density about one person's head.

    Attributes:
        config: what the class is made with, as plain JSON values; always `vertices` and `expressions`: how many the
            head has.
    """

    config: dict[str, Any]

    def __init__(self) -> None:
        super().__init__()
        self._derived: Derived | None = None
        self.register_load_state_dict_post_hook(lambda *_: self._forget())  # type: ignore[no-untyped-call]

    @abstractmethod
    def prepare(self, head: PosedHead) -> Any:
        """Give the network the pose and expression of a head: whatever `render` needs to know of it."""

    @abstractmethod
    def render(self, prepared: Any, camera: PinholeCamera) -> Rendering:
        """See it through a camera; no gradient flows."""

    @abstractmethod
    def derive(self) -> Derived:
        """Make what follows from the buffers alone."""

    @property
    def derived(self) -> Derived:
        """What follows from the buffers alone, made once for each place and each set of them."""
        if self._derived is None:
            self._derived = self.derive()
        return self._derived

    def _apply(self, fn: Callable[[torch.Tensor], torch.Tensor], recurse: bool = True) -> Self:
        self._forget()
        return super()._apply(fn, recurse)  # type: ignore[no-any-return, no-untyped-call]

    def _forget(self) -> None:
        self._derived = None
