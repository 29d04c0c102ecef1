# SPDX-License-Identifier: GPL-3.0-or-later
"""The render engine and the viewport: maps out, pictures back."""
