# SPDX-License-Identifier: GPL-3.0-or-later
"""Restoring rendered views of an avatar that is built from a photo, and refusing those that drift from the person."""
