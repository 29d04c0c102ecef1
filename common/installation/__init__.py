# SPDX-License-Identifier: GPL-3.0-or-later
"""How the engine gets onto a machine: which PyTorch, which files, from where, and whether all of it is there.

`run.py` and Blender share it, with whichever Python they are run by: standard library only.
"""
