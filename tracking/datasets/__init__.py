# SPDX-License-Identifier: GPL-3.0-or-later
"""What training reads: pictures, mattes, maps and a performance in one folder."""
