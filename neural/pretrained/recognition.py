# SPDX-License-Identifier: GPL-3.0-or-later
"""Which network of the registry a file holds, by its contents, and whether the file is sound."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from ...common.errors import UserError
from .contents import layout_of, read_tensors, wrapper
from .face_parsing import scores_classes
from .registry import REGISTRY, Layout, WeightFile, Weights, all_files, said_size
from .robust_video_matting import mattes_a_small_picture
from .torchscript import Network, device_of, works

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ...common.clock import Clock

CHUNK = 1 << 22
FACE_INPUT = [3, 112, 112]
INCEPTION_FEATURES = 2048
"""That FID is defined by."""
SUFFIXES = (".pth", ".pt", ".tar", ".ckpt", ".bin", ".safetensors", ".torchscript", ".onnx")
"""Of files that are looked at in a folder."""


@dataclass(frozen=True)
class Recognised:
    """What a file was recognised as: a network's name in the registry and the part of it that the file holds."""

    name: str
    part: str

    @property
    def weights(self) -> Weights:
        """The network."""
        return REGISTRY[self.name]

    @property
    def file(self) -> WeightFile:
        """What the registry knows of the file."""
        return self.weights.files[self.part]

    @property
    def title(self) -> str:
        """What it is, for people."""
        return self.weights.title + (f" ({self.part})" if len(self.weights.files) > 1 else "")


def recognise(path: Path) -> Recognised:
    """Return which network the file at `path` holds; nothing that it contains is run as Python.

    TorchScript is tried on a small picture, in PyTorch's interpreter.

    Raises:
        UserError: it is absent, cut short or damaged, holds code, or holds no network that Semblance knows.
    """
    layout = layout_of(path)
    found = {
        Layout.TENSORS: recognised_tensors,
        Layout.TORCHSCRIPT: recognised_torchscript,
        Layout.ONNX: recognised_onnx,
    }[layout](path)
    if found is None:
        known = ", ".join(weights.title for weights in REGISTRY.values())
        raise UserError(f"{path} holds no network that Semblance knows; it knows {known}.")
    return found


def recognised_tensors(path: Path) -> Recognised | None:
    """Return which network's tensors a file holds, by the shapes of some of them; None where it is none."""
    shapes = {key: tuple(tensor.shape) for key, tensor in read_tensors(path, device="meta").items()}
    fitting = (Recognised(name, part) for name, part, file in all_files() if wrapper(shapes, file.mark) is not None)
    return next(fitting, None)


def recognised_torchscript(path: Path) -> Recognised | None:
    """Return which network a TorchScript file holds, by what it does; None where it is none."""
    try:
        network: Network = torch.jit.load(path, map_location="cpu").eval()
    except (RuntimeError, OSError, ValueError) as error:
        raise UserError(f"{path} is cut short or damaged; get it again.") from error
    return next((Recognised(name, name) for name, does in TRIALS.items() if works(network, does)), None)


def recognised_onnx(path: Path) -> Recognised | None:
    """Return whether an ONNX file takes faces as ArcFace does; None where it does not. ONNX is imported only now."""
    import onnx

    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:  # protobuf raises kinds of its own
        raise UserError(f"{path} is cut short, is damaged, or is no file of weights; get it again.") from error
    if len(graph.input) < 1 or len(graph.output) != 1:
        return None
    sides = [side.dim_value for side in graph.input[0].type.tensor_type.shape.dim]
    return Recognised("arcface", "arcface") if sides[1:] == FACE_INPUT else None


def gives_features(network: Network, count: int = INCEPTION_FEATURES) -> bool:
    """Tell whether a network gives so many features of a picture of bytes, as NVIDIA's Inception does."""
    blank = torch.zeros(1, 3, 64, 64, dtype=torch.uint8, device=device_of(network))
    return tuple(network(blank, return_features=True).shape) == (1, count)


TRIALS: dict[str, Callable[[Network], bool]] = {
    "inception": gives_features,
    "rvm": mattes_a_small_picture,
    "face-parsing": scores_classes,
}
"""How networks that come as TorchScript are tried."""


def candidates(folder: Path) -> list[Path]:
    """Return the files in a folder, and in folders in it, that may be weights, in order of their paths."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def verified(path: Path, clock: Clock, before: int = 0) -> tuple[Recognised, list[str]]:
    """Return what a file is and what was checked of it, a line for each check.

    Args:
        path: the file.
        clock: counts bytes that were read, of all files together; before: how many were read of the others.

    Raises:
        UserError: a check failed; the sentence says which.
    """
    found = recognise(path)
    counted = digest(path, clock, before)
    lines = [f"its contents are those of {found.title}"]
    if layout_of(path) is Layout.TENSORS:
        tensors = read_tensors(path)
        sound = all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values())
        if not sound:
            raise UserError(f"{path} holds numbers that are not finite; get it again.")
        lines.append(f"all numbers of its {len(tensors)} tensors are finite")
    lines.append(said_of_digest(found.file, counted))
    return found, lines


def said_of_digest(file: WeightFile, found: str) -> str:
    """Return a line about the SHA-256 `found` of a file."""
    if not file.sha256:
        return f"SHA-256 {found}; none is published to compare it with"
    if found.startswith(file.sha256):
        return "its SHA-256 is that of the published file"
    return "its SHA-256 is not that of the published file: another version, or the same weights written anew"


def digest(path: Path, clock: Clock, before: int = 0) -> str:
    """Return the SHA-256 of a file, telling the clock how many bytes were read; `before` were read of other files."""
    counted, read = hashlib.sha256(), before
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            counted.update(chunk)
            read += len(chunk)
            clock.tell(read, f"{path.name}, {said_size(path.stat().st_size)}")
    return counted.hexdigest()
