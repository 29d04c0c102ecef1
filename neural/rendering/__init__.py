# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances to frames of an avatar."""
