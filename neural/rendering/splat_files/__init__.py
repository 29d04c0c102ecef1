# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats as files that other programs read: PLY, SPZ, glTF."""
