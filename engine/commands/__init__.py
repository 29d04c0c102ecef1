# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of the command line, a subject a file; `cli` puts them together."""
