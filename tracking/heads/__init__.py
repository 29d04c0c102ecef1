# SPDX-License-Identifier: GPL-3.0-or-later
"""Morphable heads. NumPy and the standard library only: Blender imports this room too."""
