# SPDX-License-Identifier: GPL-3.0-or-later
"""Foreground mattes: of the person, or of the head alone."""
