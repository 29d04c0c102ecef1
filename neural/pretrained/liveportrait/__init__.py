# SPDX-License-Identifier: GPL-3.0-or-later
"""LivePortrait: a photo animated by 21 implicit key points, stitched back into its surroundings (Guo et al. 2024)."""
