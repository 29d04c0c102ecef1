# SPDX-License-Identifier: GPL-3.0-or-later
"""Coefficients, pose and gaze over time: NumPy only, because Blender imports it."""
