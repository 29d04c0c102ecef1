# SPDX-License-Identifier: GPL-3.0-or-later
"""Radiance avatars: a posed head and a camera in, the head's picture and depth out; by splats or by a field."""

NAME = "radiance"
"""What avatar files call this room's kind."""
