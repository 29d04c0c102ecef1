# SPDX-License-Identifier: GPL-3.0-or-later
"""Footage, video and pictures in files."""
