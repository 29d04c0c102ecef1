# SPDX-License-Identifier: GPL-3.0-or-later
"""The page: static files that the engine serves as they are, and that speak to it by its endpoints alone."""
