# SPDX-License-Identifier: GPL-3.0-or-later
"""What PyTorch has no fast operation for, written once in NVIDIA Warp for processors and GPUs."""
