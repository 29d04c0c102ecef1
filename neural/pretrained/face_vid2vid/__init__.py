# SPDX-License-Identifier: GPL-3.0-or-later
"""face-vid2vid: a photo animated by 15 key points that a network finds by itself (Wang et al. 2021)."""
