# SPDX-License-Identifier: GPL-3.0-or-later
"""Convolutions whose weights lie as the processor's library (oneDNN) wants them: it need not sort them each time.

These are the operators that PyTorch's own compiler uses; no C++ compiler is needed to call them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..networks.layers import SLOPE
from .layers import PlainConvolution


class PackedConvolution(nn.Module):
    """A `PlainConvolution` with weights packed for inputs of one shape `[B, inputs, H, W]`."""

    def __init__(self, layer: PlainConvolution, shape: torch.Size) -> None:
        super().__init__()
        self.dtype, self.bias, self.groups = layer.weight.dtype, layer.bias, layer.groups
        self.stride, self.padding, self.dilation = [layer.stride] * 2, [layer.padding] * 2, [1, 1]
        self.activation = ("none", [], "") if layer.linear else ("leaky_relu", [SLOPE], "")
        self.weight = torch.ops.mkldnn._reorder_convolution_weight(
            layer.weight, self.padding, self.stride, self.dilation, self.groups, list(shape)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return `[B, outputs, H, W]`; the activation happens on the way out."""
        outputs: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x.to(self.dtype), self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups,
            *self.activation,
        )  # fmt: skip
        return outputs


def packed(network: nn.Module, *inputs: Tensor) -> nn.Module:
    """Pack the weights of a folded network in place and return it; unchanged where the processor has no oneDNN.

    `inputs` are `[B, C, H, W]`, of the shapes that the network will be given.
    """
    if not torch.backends.mkldnn.is_available():
        return network
    shapes: dict[nn.Module, torch.Size] = {}

    def note(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        shapes[layer] = given[0].shape

    layers = [layer for layer in network.modules() if isinstance(layer, PlainConvolution)]
    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    network(*inputs)
    for hook in hooks:
        hook.remove()
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, PlainConvolution):
                setattr(module, name, PackedConvolution(child, shapes[child]))
    return network
