# SPDX-License-Identifier: GPL-3.0-or-later
"""Performances in other programs' files: Live Link Face, ARKit JSON, plain CSV, FaceVerse; `registry` lists them."""
