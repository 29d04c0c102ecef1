# SPDX-License-Identifier: GPL-3.0-or-later
"""A tracking dataset becomes an avatar: what is drawn, what a step does, how long, and what becomes of setbacks."""
