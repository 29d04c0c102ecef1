# SPDX-License-Identifier: GPL-3.0-or-later
"""What was tracked, for people to look at: drawn over the footage, and plotted."""
