# SPDX-License-Identifier: GPL-3.0-or-later
"""What every room may use: errors, whole-file writes, progress. Standard library only."""
