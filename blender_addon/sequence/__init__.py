# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendered frames in the sequencer, over the footage."""
