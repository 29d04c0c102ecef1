# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server: endpoints, avatars in memory, the process that serves."""
