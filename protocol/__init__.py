# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that Blender, the command line and the engine share: standard library and NumPy only."""
