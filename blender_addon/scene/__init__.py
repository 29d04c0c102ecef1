# SPDX-License-Identifier: GPL-3.0-or-later
"""What Semblance puts into a scene: heads, rigs, keyframes, cameras, plates."""
