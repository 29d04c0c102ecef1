# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaussians bound to the triangles of a head."""
