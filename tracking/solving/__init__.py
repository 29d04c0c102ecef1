# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks to coefficients: person, pose, expression, gaze, over a whole take or one frame at a time."""
