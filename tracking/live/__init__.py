# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracking as pictures come: sources, stages, what is told."""
