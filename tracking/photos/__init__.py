# SPDX-License-Identifier: GPL-3.0-or-later
"""One photo to a dataset: what it shows, and what a head must be made to show."""
