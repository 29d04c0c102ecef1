# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests make, once: performances, heads, networks, avatars, datasets, footage.

A file of these imports only what it makes: the first also works in Blender.
"""
