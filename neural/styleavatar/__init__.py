# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind of avatar that StyleAvatar describes: maps in, a portrait out."""

NAME, LONE_STYLEUNET_NAME = "styleavatar", "styleunet"
"""What avatar files call this room's kinds."""
