# SPDX-License-Identifier: GPL-3.0-or-later
"""Live sessions: a source drives an avatar, and its pictures go to a sink."""
