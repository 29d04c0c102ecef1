# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kind of avatar learns with: the loop, checkpoints, health, several processes, optimisers."""
