# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps or meshes to pixels: kinds of avatar, their training, runtimes, rendering and evaluation."""
