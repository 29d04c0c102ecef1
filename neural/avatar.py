# SPDX-License-Identifier: GPL-3.0-or-later
"""The avatar: a trained network and its metadata in one `.safetensors` file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from ..common.errors import UserError
from ..common.files import written_whole
from ..tracking.heads.head import MorphableHead
from ..tracking.heads.registry import open_head
from .avatar_file import AvatarMetadata, file_sha256, header_of, read_header
from .runtimes.look_cache import Looks, Maker
from .runtimes.pytorch import FoldedRuntime, UnfoldedRuntime
from .styleavatar.folding.fold import can_fold
from .styleavatar.networks.windows import STILL, Windows
from .styleavatar.training.presets import PRESETS


def portrait_network(config: Mapping[str, Any]) -> nn.Module:
    """The compositional network of StyleAvatar for a stored configuration."""
    from .styleavatar.networks.config import PortraitConfig
    from .styleavatar.networks.portrait import PortraitNetwork

    return PortraitNetwork(PortraitConfig.from_json(dict(config)))


def lone_styleunet(config: Mapping[str, Any]) -> nn.Module:
    """A StyleUNet alone, for a stored configuration."""
    from .styleavatar.networks.config import StyleUNetConfig
    from .styleavatar.networks.styleunet import StyleUNet

    return StyleUNet(StyleUNetConfig.from_json(dict(config)))


NETWORKS: dict[str, Callable[[Mapping[str, Any]], nn.Module]] = {
    "styleavatar": portrait_network,
    "styleunet": lone_styleunet,
}
"""What makes the untrained network of each kind of avatar from its configuration."""


@dataclass(frozen=True)
class Avatar:
    """A trained avatar, ready to render.

    Attributes:
        network: `(uv [B, 3, 256, 256], texture [B, 3, 256, 256], time_code [B]) -> rgba [B, 4, R, R]`, all -1 to 1
            except the time code.
        metadata: see `AvatarMetadata`.
        prepared: makes the runtime of a look; PyTorch's own when not given (`chosen_runtime`).
    """

    network: nn.Module
    metadata: AvatarMetadata
    prepared: Maker | None = None

    @classmethod
    def load(cls, path: str | Path, device: str | None = None) -> Avatar:
        """Read an avatar file onto `device` ("cuda" or "cpu"; the GPU where there is one, when not given).

        Raises:
            UserError: the file is absent, damaged, no avatar, of an unknown kind, or from a newer version.
        """
        metadata, shapes = read_header(path)
        if metadata.kind not in NETWORKS:
            raise UserError(f"{path} is an avatar of the unknown kind {metadata.kind!r}; update Semblance to use it.")
        try:
            refuse_other_shapes(metadata, shapes)
            network = NETWORKS[metadata.kind](metadata.network)
            network.load_state_dict(safetensors.torch.load_file(path))
        except (SafetensorError, RuntimeError, TypeError, ValueError, KeyError, AssertionError) as error:
            raise UserError(
                f"{path} is damaged: its weights do not fit its network; build the avatar again."
            ) from error
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        return cls(laid_out(network.to(device)).eval().requires_grad_(False), metadata)

    def save(self, path: str | Path) -> None:
        """Write the avatar file whole or not at all."""
        tensors = {name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
                   for name, tensor in self.network.state_dict().items()}  # fmt: skip
        with written_whole(path) as partial:
            partial.write_bytes(safetensors.torch.save(tensors, header_of(self.metadata)))

    @property
    def device(self) -> torch.device:
        """Where the network runs."""
        return next(self.network.parameters()).device

    @torch.inference_mode()
    def render(
        self,
        uv: np.ndarray,
        texture: np.ndarray,
        time_code: float | np.ndarray | None = None,
        foreground_offset: np.ndarray | tuple[float, float] = (0, 0),
        background_offset: np.ndarray | tuple[float, float] = (0, 0),
    ) -> np.ndarray:
        """Turn maps into portraits.

        Args:
            uv, texture: `[N, 256, 256, 3]` floats, 0 to 1.
            time_code: one for all or `[N]`; the avatar's own default when not given.
            foreground_offset, background_offset: how far the person and the backdrop are moved (Fig. 4): (x, y) to
                the right and down in feature cells, 1/128 of the picture's side; at most `MOST_OFFSET`. One for all or
                `[N, 2]`.

        Returns:
            `[N, R, R, 4]` uint8: the portrait over its own background, and the foreground's alpha (straight).

        Raises:
            UserError: an avatar that is one StyleUNet shall be moved, or the GPU's memory does not hold a frame.
        """
        frames, side = len(uv), self.metadata.resolution
        codes = np.broadcast_to(self.metadata.time_code if time_code is None else time_code, frames)
        moves = np.zeros((frames, 2, 2))
        moves[:, 0], moves[:, 1] = foreground_offset, background_offset
        pictures = np.empty((frames, side, side, 4), np.uint8)
        for index in range(frames):
            pictures[index] = self.render_frame(uv[index], texture[index], codes[index], moves[index])
        return pictures

    def render_frame(self, uv: np.ndarray, texture: np.ndarray, time_code: float, moves: np.ndarray) -> np.ndarray:
        """Render one frame; see `render`. `moves` are the offsets of person and backdrop `[2, 2]`.

        Frames are rendered alone: in a batch they would depend on its size, by a rounding error, and flicker.
        """
        maps = [self.to_network(each[None]) for each in (uv, texture)]
        windows = windows_moved(moves, self.metadata.kind) if moves.any() else STILL
        try:
            rgba = self._looks.runtime(float(time_code), windows).run(*maps)[0].clamp(-1, 1)
        except torch.OutOfMemoryError as error:
            raise UserError(too_large(self.metadata.resolution)) from error
        return rgba.add(1).mul(127.5).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()

    @cached_property
    def _looks(self) -> Looks:
        """What renders, folded where that is possible; the network must not change from now on."""
        unfolded = partial(UnfoldedRuntime, self.network)
        folded = partial(FoldedRuntime, self.network) if can_fold(self.network) else unfolded
        return Looks(self.prepared or folded, unfolded)

    def to_network(self, maps: np.ndarray) -> torch.Tensor:
        """Maps `[N, H, W, 3]`, 0 to 1, as a tensor `[N, 3, H, W]`, -1 to 1."""
        tensor = torch.from_numpy(np.ascontiguousarray(maps, np.float32)).to(self.device)
        return tensor.permute(0, 3, 1, 2).mul(2).sub(1)

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


def windows_moved(moves: np.ndarray, kind: str) -> Windows:
    """The windows for offsets of foreground and background `[2, 2]`.

    Raises:
        UserError: the kind of avatar has no layers.
    """
    if kind != "styleavatar":
        raise UserError("This avatar is a StyleUNet alone, whose person and backdrop cannot be moved; leave them.")
    (x, y), (back_x, back_y) = moves.tolist()
    return Windows.moved((x, y), (back_x, back_y))


def too_large(resolution: int) -> str:
    """What to say when a single frame does not fit into the GPU's memory."""
    fitting = [preset for preset in PRESETS.values() if preset.network.resolution < resolution]
    advice = f", or build one of {fitting[-1].network.resolution} pixels ({fitting[-1].name})" if fitting else ""
    return (
        f"The GPU's memory is too small for a frame of this avatar of {resolution} pixels; close other programs that "
        f"use it{advice}."
    )


def laid_out(network: nn.Module) -> nn.Module:
    """Put a network's weights into the layout that pictures have, channels last: convolutions are faster for it."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in torch's stubs


def refuse_other_shapes(metadata: AvatarMetadata, shapes: dict[str, tuple[int, ...]]) -> None:
    """Raise ValueError unless the file's tensors are the network's, before memory is taken for a network so large."""
    with torch.device("meta"):
        network = NETWORKS[metadata.kind](metadata.network)
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if expected != shapes:
        raise ValueError("other tensors than the network's")
