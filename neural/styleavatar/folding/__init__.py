# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks for rendering: what does not change from frame to frame is worked out beforehand."""
