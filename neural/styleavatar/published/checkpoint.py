# SPDX-License-Identifier: GPL-3.0-or-later
"""The published checkpoints' tensors under this project's names.

The published layers keep their weights at unit variance and scale them when they run (equalised learning rate); here
they are kept as they are used. Wavelets and blurs are constants in both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from torch import Tensor

Named = Iterator[tuple[str, Tensor]]
Tensors = Mapping[str, Tensor]


def portrait_tensors(published: Tensors) -> dict[str, Tensor]:
    """The portrait network's weights `[...]` by name, of a published portrait generator's."""
    return dict(
        [
            *mapping(published),
            *encoder("foreground_encoder", published, "_0"),
            *decoder("foreground_decoder", published, "_0"),
            *last_foreground_level(published),
            *convolution("mask", published, "get_mask.0"),
            *encoder_level("entry", published, "cond_addition"),
            *encoder("portrait_encoder", published, "_1"),
            *decoder("portrait_decoder", published, "_1"),
        ]
    )


def styleunet_tensors(published: Tensors) -> dict[str, Tensor]:
    """A lone StyleUNet's weights `[...]` by name, of a published one's."""
    return dict([*mapping(published), *encoder("encoder", published), *decoder("decoder", published)])


def mapping(published: Tensors) -> Named:
    """A mapping network; its activations count among the published layers."""
    for number in numbers(published, "mapping"):
        for kind in ("weight", "bias"):
            yield f"mapping.layers.{number // 2}.{kind}", published[f"mapping.{number}.{kind}"]


def encoder(ours: str, published: Tensors, suffix: str = "") -> Named:
    """A StyleUNet's encoder."""
    for level in numbers(published, f"from_rgbs{suffix}"):
        yield from convolution(f"{ours}.from_picture.{level}.conv", published, f"from_rgbs{suffix}.{level}.conv.0")
        yield from encoder_level(f"{ours}.levels.{level}", published, f"cond_convs{suffix}.{level}")


def decoder(ours: str, published: Tensors, suffix: str = "") -> Named:
    """A StyleUNet's decoder; what joins it to the encoder is published from the largest size to the smallest."""
    *merges, bottom = numbers(published, f"comb_convs{suffix}")
    yield from convolution(f"{ours}.bottom", published, f"comb_convs{suffix}.{bottom}.0")
    for index, merge in enumerate(reversed(merges)):
        yield from convolution(f"{ours}.merges.{index}", published, f"comb_convs{suffix}.{merge}.0")
    yield from decoder_levels(ours, published, suffix)


def decoder_levels(ours: str, published: Tensors, suffix: str = "") -> Named:
    """The levels of StyleGAN2: two styled convolutions and a picture each."""
    for level in numbers(published, f"to_rgbs{suffix}"):
        place = f"{ours}.levels.{level}"
        yield from styled(f"{place}.up", published, f"convs{suffix}.{2 * level}")
        yield from styled(f"{place}.conv", published, f"convs{suffix}.{2 * level + 1}")
        yield from modulated(f"{place}.to_picture", published, f"to_rgbs{suffix}.{level}")


def last_foreground_level(published: Tensors) -> Named:
    """The level that brings the foreground to the features' size; published on its own."""
    place = f"foreground_decoder.levels.{len(numbers(published, 'to_rgbs_0'))}"
    yield from styled(f"{place}.up", published, "tex_up.0")
    yield from styled(f"{place}.conv", published, "tex_up.1")
    yield from modulated(f"{place}.to_picture", published, "tex_up.2")


def encoder_level(ours: str, published: Tensors, theirs: str) -> Named:
    """Two convolutions, the second after a blur."""
    yield from convolution(f"{ours}.conv1", published, f"{theirs}.conv1.0")
    yield from convolution(f"{ours}.conv2", published, f"{theirs}.conv2.1")


def convolution(ours: str, published: Tensors, theirs: str) -> Named:
    """A plain convolution."""
    yield f"{ours}.weight", equalised(published[f"{theirs}.weight"])
    yield f"{ours}.bias", published[f"{theirs}.bias"]


def styled(ours: str, published: Tensors, theirs: str) -> Named:
    """A modulated convolution with noise."""
    yield from modulated(ours, published, theirs)
    yield f"{ours}.noise_strength", published[f"{theirs}.noise.weight"]


def modulated(ours: str, published: Tensors, theirs: str) -> Named:
    """A modulated convolution with its bias."""
    yield f"{ours}.conv.weight", equalised(published[f"{theirs}.conv.weight"].squeeze(0))
    yield f"{ours}.conv.modulation.weight", equalised(published[f"{theirs}.conv.modulation.weight"])
    yield f"{ours}.conv.modulation.bias", published[f"{theirs}.conv.modulation.bias"]
    yield f"{ours}.bias", published[f"{theirs}.bias"].flatten()


def equalised(weight: Tensor) -> Tensor:
    """A weight `[out, in, ...]` as the published layers use it: divided by the root of what goes into one output."""
    return weight / math.sqrt(weight[0].numel())


def numbers(published: Tensors, group: str) -> list[int]:
    """The numbers of the modules in a published group, in order."""
    return sorted({int(name.split(".")[1]) for name in published if re.match(rf"{group}\.\d+\.", name)})
