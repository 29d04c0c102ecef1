# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine: its doors, its jobs and the processes that run them."""
