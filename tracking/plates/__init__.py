# SPDX-License-Identifier: GPL-3.0-or-later
"""Clean plates: footage and photos without what an avatar will bring, and how they are laid behind it."""
