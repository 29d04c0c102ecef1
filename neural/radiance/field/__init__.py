# SPDX-License-Identifier: GPL-3.0-or-later
"""A radiance field in the canonical space of a head (INSTA, Zielonka et al. 2023)."""
