# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of others, from weights on the user's machine, and what stands in where they are missing."""
