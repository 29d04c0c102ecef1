# SPDX-License-Identifier: GPL-3.0-or-later
"""The avatar: a trained network and its metadata in one `.safetensors` file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from ..common.errors import UserError
from ..protocol.look import USUAL_LOOK, Look
from ..protocol.pictures import Pictures
from ..tracking.heads.registry import open_head
from .avatar_file import AvatarMetadata, file_sha256, read_header, read_plate
from .kinds import KINDS
from .runtimes.look_cache import LookCache
from .solid import without_holes
from .tensors import as_bytes, fetched, tensors_of
from .trained_avatar import TrainedAvatar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..protocol.inputs import Inputs
    from ..tracking.heads.head import MorphableHead
    from .kind import Kind
    from .runtimes.runtime import RuntimeMaker, Runtimes

COLOURS = 4
"""Channels of what a runtime paints before the depth."""


@dataclass(frozen=True)
class Avatar(TrainedAvatar):
    """A trained avatar, ready to render.

    Attributes:
        prepared: makes the runtime of a look; PyTorch's own when not given (`rendering.runtime_choice`).
    """

    prepared: RuntimeMaker | None = None

    @classmethod
    def load(cls, path: str | Path, device: str | None = None) -> Avatar:
        """Read an avatar file onto `device` ("cuda" or "cpu"; the kind's own when not given).

        Raises:
            UserError: the file is absent, damaged, no avatar, of an unknown kind, or from a newer version.
        """
        metadata, shapes = read_header(path)
        kind = KINDS.get(metadata.kind)
        if kind is None:
            raise UserError(f"{path} is an avatar of the unknown kind {metadata.kind!r}; update Semblance to use it.")
        try:
            refuse_other_shapes(kind, metadata, shapes)
            network = kind.load(metadata.network)
            network.load_state_dict(safetensors.torch.load_file(path))
        except (SafetensorError, RuntimeError, TypeError, ValueError, KeyError, AssertionError) as error:
            raise UserError(
                f"{path} is damaged or of another version of Semblance: its weights do not fit its network; "
                "build the avatar again."
            ) from error
        device = device or kind.device()
        return cls(laid_out(network.to(device)).eval().requires_grad_(False), metadata, plate=read_plate(path))

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return next(self.network.parameters()).device

    @property
    def kind(self) -> Kind:
        """Which kind of avatar this is."""
        return KINDS[self.metadata.kind]

    @cached_property
    def runtimes(self) -> Runtimes:
        """What executes the network, which must not change from now on."""
        return self.kind.runtimes(self.network)

    @torch.inference_mode()
    def render(self, inputs: Inputs, looks: Look | Sequence[Look] = USUAL_LOOK) -> Pictures:
        """Turn maps, or a posed mesh, into pictures.

        Frames are rendered alone: in a batch they would depend on its size, by a rounding error, and flicker.

        Args:
            inputs: N frames of what the avatar's kind is painted from; cameras' pictures of one size.
            looks: one for all frames or N.

        Returns:
            A portrait is as large as its avatar and lies over its own background, its alpha is the foreground's; a head
            is as large as the camera's picture and lies over nothing.

        Raises:
            UserError: the avatar takes other inputs or cannot look like this, or the GPU's memory does not hold a
                frame.
        """
        self.refuse_other_inputs(type(inputs))
        every = [looks] * len(inputs) if isinstance(looks, Look) else looks
        frames = [self._frame(self.tensors(inputs.frame(index)), look) for index, look in enumerate(every)]
        depths = [frame.depth for frame in frames if frame.depth is not None]
        return Pictures(np.concatenate([frame.rgba for frame in frames]), np.concatenate(depths) if depths else None)

    def refuse_other_inputs(self, given: type[Inputs]) -> None:
        """Raise UserError unless `given` is what the avatar is painted from."""
        if given is not self.kind.inputs:
            raise UserError(
                f"This avatar is painted from {self.kind.inputs.title}, not from {given.title}; send those."
            )

    def tensors(self, inputs: Inputs) -> tuple[Tensor, ...]:
        """Inputs as the network takes them, frames first: `[N, …]` float32; see `tensors.tensors_of`."""
        return tensors_of(inputs, self.device)

    def settled(self, look: Look) -> Look:
        """A look with the avatar's own time code where it names none."""
        return look.settled(self.metadata.time_code)

    def _frame(self, inputs: tuple[Tensor, ...], look: Look) -> Pictures:
        """Paint one frame."""
        try:
            painted = self._by_look.runtime(self.settled(look)).run(*inputs)
        except torch.OutOfMemoryError as error:
            raise UserError(too_large(self.metadata.resolution, self.kind.sizes())) from error
        depth = fetched(painted[:, COLOURS]).numpy() if painted.shape[1] > COLOURS else None
        rgba = as_bytes(painted[:, :COLOURS])
        if self.kind.has_backdrop:
            rgba[0, ..., 3] = without_holes(rgba[0, ..., 3])
        return Pictures(rgba, depth)

    @cached_property
    def _by_look(self) -> LookCache:
        """The runtimes of the looks in use."""
        return LookCache(self.prepared or self.runtimes.ready, self.runtimes.at_once)

    def open_head(self, path: str | Path | None = None) -> MorphableHead:
        """The head that the avatar's coefficients belong to.

        `path` is the head's file where it is not (or no longer) where it was when the avatar was built.

        Raises:
            UserError: the head's file is missing, or another one than the avatar was built with.
        """
        said = self.metadata
        file = Path(path or said.head_path) if path or said.head_path else None
        if file and not file.is_file():
            raise UserError(f"The avatar needs the head file {file}, which is not there; give its new path.")
        if file and said.head_sha256 and file_sha256(file) != said.head_sha256:
            raise UserError(f"{file} is not the head file that the avatar was built with; give the path of that one.")
        return open_head(said.head, file)


def too_large(resolution: int, sizes: Mapping[str, int]) -> str:
    """What to say when a frame does not fit into the GPU's memory; `sizes` as in `Kind`."""
    fitting = [(size, preset) for preset, size in sizes.items() if size < resolution]
    advice = ", or build one of {} pixels ({})".format(*fitting[-1]) if fitting else ""
    return (
        f"The GPU's memory is too small for a frame of this avatar of {resolution} pixels; close other programs that "
        f"use it{advice}."
    )


def laid_out(network: nn.Module) -> nn.Module:
    """Put a network's weights into the layout that pictures have, channels last: convolutions are faster for it."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs
    return network


def refuse_other_shapes(kind: Kind, metadata: AvatarMetadata, shapes: dict[str, tuple[int, ...]]) -> None:
    """Raise ValueError unless the file's tensors are the network's, before memory is taken for a network so large."""
    with torch.device("meta"):
        network = kind.load(metadata.network)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if expected != shapes:
        raise ValueError("other tensors than the network's")
