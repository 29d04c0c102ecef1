# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading files of tensors by name without running anything that they contain.

Safetensors hold tensors and nothing else. PyTorch's own files are pickles: they are read by its restricted unpickler
(`weights_only`), which knows tensors and containers, and refuses every other name before it is imported.
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from ...common.errors import UserError
from .registry import REGISTRY, Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from .registry import Shapes

WRAPPERS = ("", "params_ema.", "params.", "state_dict.", "model.", "net.")
"""What stands before the names of a network's tensors where a checkpoint keeps them inside something."""
PARALLEL = "module."
"""What PyTorch puts before names when a network was trained on several GPUs."""
NAMED = re.compile(r"GLOBAL (\S+)|type (\S+)")
PICKLE_MAGIC, ZIP_MAGIC, SAFETENSORS_HEADER, ONNX_MAGIC = b"\x80", b"PK\x03\x04", b"{", b"\x08"
DAMAGED = "{} is cut short, is damaged, or is no file of weights; get it again."


def network_tensors(path: Path, name: str, part: str = "") -> dict[str, Tensor]:
    """Return the tensors of a network of the registry, by the names that its authors gave them, from the user's file.

    Args:
        path: the file.
        name: the network; part: which of its files, for a network of several.

    Raises:
        UserError: the file is absent, cut short or damaged, holds code, or holds another network.
    """
    weights = REGISTRY[name]
    tensors = read_tensors(path)
    prefix = wrapper({key: tuple(tensor.shape) for key, tensor in tensors.items()}, weights.files[part or name].mark)
    if prefix is None:
        raise UserError(f"{path} holds another network than {weights.title}; replace or delete it.")
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}


def load_layer(layer: nn.Module, tensors: Mapping[str, Tensor], name: str, path: Path) -> None:
    """Give a layer, or a whole network where `name` is empty, its tensors: all that it has, and none of another shape.

    Raises:
        UserError: one is missing or has another shape; `path` is where they come from.
    """
    before = f"{name}." if name else ""
    own = {key: tensors.get(before + key) for key in layer.state_dict()}
    try:
        layer.load_state_dict(own)
    except (RuntimeError, AttributeError) as error:
        wrong = next(key for key, value in layer.state_dict().items() if not fits(own[key], value))
        raise UserError(f"{path} lacks a fitting {before}{wrong}; it is of another version: replace it.") from error


def fits(tensor: Tensor | None, value: Tensor) -> bool:
    """Tell whether there is a tensor of the shape of `value`."""
    return tensor is not None and tensor.shape == value.shape


def read_tensors(path: Path, device: str = "cpu") -> dict[str, Tensor]:
    """Return all tensors in a file by name; dicts in dicts are joined by dots ("generator.fc.bias").

    On the device "meta" only types and shapes are read.

    Raises:
        UserError: the file is absent, cut short or damaged, or holds code.
    """
    try:
        if is_safetensors(path):
            return without_parallel(safetensors_in(path, device))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about foreign pickles, for programmers
            content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"There is nothing at {path}; choose a file of weights.") from error
    except pickle.UnpicklingError as error:
        raise UserError(refused_pickle(path, str(error))) from error
    except Exception as error:  # torch, zipfile and safetensors raise many kinds for damaged files
        raise UserError(DAMAGED.format(path)) from error
    return without_parallel(dict(flattened(content)))


def safetensors_in(path: Path, device: str) -> dict[str, Tensor]:
    """Return the tensors in a safetensors file."""
    if device != "meta":
        return safetensors.torch.load_file(path, device=device)
    with safetensors.safe_open(path, "pt") as file:
        return {key: torch.empty(file.get_slice(key).get_shape(), device="meta") for key in file.keys()}  # noqa: SIM118


def flattened(content: Any, before: str = "") -> Iterator[tuple[str, Tensor]]:
    """Give the tensors in dicts of dicts with their names; what an optimiser left is passed over."""
    if isinstance(content, Tensor):
        yield before.removesuffix("."), content
    elif isinstance(content, dict):
        for key, value in content.items():
            if not str(key).startswith("optimizer"):
                yield from flattened(value, f"{before}{key}.")


def without_parallel(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors with the names that they had before several GPUs trained them."""
    return {re.sub(rf"(^|\.){re.escape(PARALLEL)}", r"\1", key): tensor for key, tensor in tensors.items()}


def wrapper(shapes: Shapes, mark: Shapes) -> str | None:
    """Return what stands before the names of a network's tensors among `shapes`; None where it is not there."""
    found = (each for each in WRAPPERS if all(shapes.get(each + key) == shape for key, shape in mark.items()))
    return next(found, None) if mark else None


def refused_pickle(path: Path, reason: str) -> str:
    """Return the sentence about a pickle that PyTorch refused to read for a reason."""
    named = NAMED.search(reason)
    if named:
        what = named.group(1) or named.group(2)
        return f"{path} was not read: it holds {what}, code that does not belong in a file of weights; delete it."
    with path.open("rb") as file:
        if file.read(1) == PICKLE_MAGIC:
            return f"{path} was not read: it holds more than tensors, or is damaged; get it again from its authors."
    return DAMAGED.format(path)


def layout_of(path: Path) -> Layout:
    """Return how a file holds its network, by its first bytes.

    Raises:
        UserError: it is absent or cannot be read, or is an archive of other files.
    """
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except FileNotFoundError as error:
        raise UserError(f"There is nothing at {path}; choose a file of weights or a folder of them.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); choose a file of weights.") from error
    if start.startswith(ZIP_MAGIC):
        return layout_of_zip(path)
    return Layout.ONNX if start.startswith(ONNX_MAGIC) and not is_safetensors(path) else Layout.TENSORS


def layout_of_zip(path: Path) -> Layout:
    """Return whether a zip file is TorchScript or a file of tensors.

    Raises:
        UserError: it is neither, or is cut short.
    """
    try:
        names = zipfile.ZipFile(path).namelist()
    except (zipfile.BadZipFile, OSError) as error:
        raise UserError(DAMAGED.format(path)) from error
    if any("/code/" in name for name in names):
        return Layout.TORCHSCRIPT
    if not any(name.endswith("/data.pkl") for name in names):
        raise UserError(f"{path} is an archive of files; unpack it and import the folder.")
    return Layout.TENSORS


def is_safetensors(path: Path) -> bool:
    """Tell whether a file begins as safetensors do: the length of a header, and a brace."""
    with path.open("rb") as file:
        return file.read(9)[8:] == SAFETENSORS_HEADER
