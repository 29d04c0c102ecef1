# SPDX-License-Identifier: GPL-3.0-or-later
"""An avatar against footage that it never saw: figures, tables, charts."""
