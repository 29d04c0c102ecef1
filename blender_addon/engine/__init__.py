# SPDX-License-Identifier: GPL-3.0-or-later
"""The link to the engine: its process, its jobs, its frames. No bpy where it can be done without."""
