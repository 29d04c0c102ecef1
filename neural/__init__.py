# SPDX-License-Identifier: GPL-3.0-or-later
"""Maps to pixels: networks, training, avatars, the engine and the command line."""
