# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist presses and reads."""
