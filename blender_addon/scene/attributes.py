# SPDX-License-Identifier: GPL-3.0-or-later
"""The point attributes of a head's mesh from which its maps are drawn."""

UV = "semblance_uv"
"""The head's UVs; (0, 0) is top left."""
MASK = "semblance_mask"
"""Its UV mask, 0 or 1."""
COLOUR = "semblance_colour"
"""Its unlit sRGB colours, 0 to 1."""
MOUTH = "semblance_mouth"
"""Where its vertices lie inside the mouth (see `MouthLight`); a head without a mouth lacks it."""
