# SPDX-License-Identifier: GPL-3.0-or-later
"""Long tasks: the store, the scheduler, workers and what they do."""
