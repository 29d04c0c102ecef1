# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretrained model, called base: networks trained on several people, from which other trainings start (Sec. 3.4).

One safetensors file: the averaged generators, the discriminator, and a description in the header.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import safetensors
import safetensors.torch

from ....common.errors import UserError
from ....common.file_format import FileFormat
from ....common.files import written_whole
from ...training.checkpoints import below
from ..networks.features import IDENTITY, IDENTITY_STEP

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from torch import nn

    from .presets import Preset

FORMAT = FileFormat("semblance-base", 1)


@dataclass(frozen=True)
class PretrainedModel:
    """What a base file says of itself.

    Attributes:
        path: the file.
        preset: name of the preset whose networks it holds.
        sources: names of the datasets that it was trained on.
        steps: training steps.
    """

    path: Path
    preset: str
    sources: tuple[str, ...]
    steps: int

    @property
    def next_identity(self) -> float:
        """The identity value of a video that the base has not seen."""
        return identity_of(len(self.sources))

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the file."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def save(self, generators: nn.Module, discriminator: nn.Module) -> None:
        """Write the file whole or not at all."""
        modules = {"generators": generators, "discriminator": discriminator}
        tensors = {
            f"{name}/{key}": value.detach().cpu().contiguous()
            for name, module in modules.items()
            for key, value in module.state_dict().items()
        }
        said = {"preset": self.preset, "sources": self.sources, "steps": self.steps}
        header = {**FORMAT.text_header, "description": json.dumps(said)}
        with written_whole(self.path) as partial:
            safetensors.torch.save_file(tensors, partial, header)

    @classmethod
    def open(cls, path: Path, preset: Preset) -> PretrainedModel:
        """Read what a base file says of itself.

        Raises:
            UserError: the file is absent, damaged, no base, from a newer version or of another preset.
        """
        if not path.is_file():
            raise UserError(f"There is no base at {path}; make one with `semblance pretrain`.")
        damaged = f"{path} is damaged or is not a base; make it again."
        try:
            with safetensors.safe_open(path, "pt") as file:
                header = file.metadata() or {}
            FORMAT.version_in(
                header,
                foreign=f"{path} is not a base; make one with `semblance pretrain`.",
                newer=f"{path} was written by a newer Semblance; update Semblance to start from it.",
                damaged=damaged,
            )
            said = json.loads(header["description"])
            base = cls(path, str(said["preset"]), tuple(map(str, said["sources"])), int(said["steps"]))
        except (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(damaged) from error
        if base.preset != preset.name:
            raise UserError(f"{path} is a base for the preset {base.preset}, not {preset.name}; build with that one.")
        return base

    def initialise(self, generators: Iterable[nn.Module], discriminator: nn.Module) -> None:
        """Put the base's weights into networks of its preset: the same into all `generators`.

        Raises:
            UserError: the weights are damaged or of networks of another version.
        """
        try:
            tensors = safetensors.torch.load_file(self.path)
            for each in generators:
                each.load_state_dict(below(tensors, "generators"))
            discriminator.load_state_dict(below(tensors, "discriminator"))
        except (safetensors.SafetensorError, RuntimeError) as error:
            raise UserError(f"{self.path} does not fit this Semblance's networks; make the base again.") from error


def identity_of(number: int) -> float:
    """The identity value of the video `number`, from 0, of a pre-training."""
    return IDENTITY + IDENTITY_STEP * number
