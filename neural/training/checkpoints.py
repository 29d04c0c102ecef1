# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints: a training in one safetensors file: weights, their average, optimisers, counters."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ...common.errors import UserError
from ...common.file_format import FileFormat
from ...common.files import written_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch.optim import Optimizer

FORMAT = FileFormat("semblance-checkpoint", 3)
"""Version 2 keeps the arithmetic's precision, version 3 knows float16; older ones are read all the same."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
"""What networks are trained in, by the name that a checkpoint keeps."""


@dataclass(frozen=True)
class TrainingState:
    """How far a training has come.

    Attributes:
        label: tells what is trained on what; another label's checkpoint is not resumed.
        step: steps done; seconds: time they took.
        setbacks: how often training was lost and went on from an earlier step, more carefully.
        dtype: of the networks' arithmetic, a key of `DTYPES`; empty where an older version did not keep it.
    """

    label: str
    step: int
    seconds: float
    setbacks: int = 0
    dtype: str = ""


def save_checkpoint(
    path: Path, state: TrainingState, modules: Mapping[str, nn.Module], optimisers: Mapping[str, Optimizer]
) -> None:
    """Write the checkpoint whole or not at all."""
    write_checkpoint(path, state, copied(modules, optimisers))


def copied(modules: Mapping[str, nn.Module], optimisers: Mapping[str, Optimizer]) -> dict[str, Tensor]:
    """Copies, on the processor, of everything that a checkpoint keeps, tensors of any shape `[...]` by name."""
    tensors: dict[str, Tensor] = {}
    for name, module in modules.items():
        tensors.update({f"{name}/{key}": value for key, value in module.state_dict().items()})
    for name, optimiser in optimisers.items():
        for index, moments in optimiser.state_dict()["state"].items():
            tensors.update({f"{name}/{index}/{key}": torch.as_tensor(value) for key, value in moments.items()})
    return {
        key: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for key, value in tensors.items()
    }


def write_checkpoint(path: Path, state: TrainingState, tensors: dict[str, Tensor]) -> None:
    """Write a checkpoint of what `copied` gave, tensors of any shape `[...]`, whole or not at all."""
    header = {**FORMAT.text_header, "standing": json.dumps(asdict(state))}
    with written_whole(path) as partial:
        safetensors.torch.save_file(tensors, partial, header)


def read_state(path: Path) -> TrainingState | None:
    """How far the training of the checkpoint at `path` has come; None when there is none.

    Raises:
        UserError: the file is damaged or comes from a newer version.
    """
    if not path.is_file():
        return None
    damaged = f"The checkpoint {path} is damaged; delete it to start the training again."
    newer = f"The checkpoint {path} was written by a newer Semblance; update Semblance to resume it."
    try:
        with safetensors.safe_open(path, "pt") as file:
            header = file.metadata() or {}
        FORMAT.version_in(header, foreign=damaged, newer=newer, damaged=damaged)
        state = TrainingState(**json.loads(header["standing"]))
        if state.dtype and state.dtype not in DTYPES:
            raise UserError(damaged)
        return state
    except (safetensors.SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(damaged) from error


def load_checkpoint(path: Path, modules: Mapping[str, nn.Module], optimisers: Mapping[str, Optimizer]) -> None:
    """Put a checkpoint's tensors back into modules and optimisers of the same shapes."""
    tensors = safetensors.torch.load_file(path)
    for name, module in modules.items():
        module.load_state_dict(below(tensors, name))
    for name, optimiser in optimisers.items():
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in below(tensors, name).items():
            index, _, field = key.partition("/")
            state.setdefault(int(index), {})[field] = value
        optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
        lay_out_moments(optimiser)


def lay_out_moments(optimiser: Optimizer) -> None:
    """Give moments the memory layout of their parameters, which a fused optimiser takes for granted."""
    for parameter, state in optimiser.state.items():
        for name, value in state.items():
            if value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter, requires_grad=False).copy_(value)


def below(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The tensors, of any shape `[...]`, whose names begin with `name/`, under the rest of their names."""
    return {key[len(name) + 1 :]: value for key, value in tensors.items() if key.startswith(f"{name}/")}


def name_of(dtype: torch.dtype) -> str:
    """The name of a precision in checkpoints."""
    return next(name for name, each in DTYPES.items() if each == dtype)
