# SPDX-License-Identifier: GPL-3.0-or-later
"""What executes an avatar's network: PyTorch, ONNX Runtime, TensorRT."""
