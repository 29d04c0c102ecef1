# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels to head motion: footage, landmarks, solver, matting, maps and the tracking dataset."""
