# SPDX-License-Identifier: GPL-3.0-or-later
"""Content Credentials (C2PA): films and pictures say that they are synthetic, what made them, and of whom."""
