# SPDX-License-Identifier: GPL-3.0-or-later
"""CUDA code checked without a GPU: operators, waits and memory of "cuda" tensors that hold no values.

A device guard that does nothing (`guard.cpp`) lets PyTorch's fake tensors live on a GPU that is not there. Shapes,
types, layouts, operators and the back-ends that are chosen are what they would be; values are not, and nothing is fast
or slow.
"""
