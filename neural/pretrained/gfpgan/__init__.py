# SPDX-License-Identifier: GPL-3.0-or-later
"""GFPGAN v1.4 (Wang et al. 2021, "Towards Real-World Blind Face Restoration with Generative Facial Prior")."""
