# SPDX-License-Identifier: GPL-3.0-or-later
"""Morphable heads and what moves them. NumPy and the standard library only: Blender imports this room too."""
