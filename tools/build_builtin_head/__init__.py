# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the built-in head from landmark statistics. Not imported at run time.

    python -m semblance.tools.build_builtin_head LANDMARKS_DIR OUT

LANDMARKS_DIR holds `landmarks_portraits.npz` and `landmarks_videos.npz`: MediaPipe FaceMesh landmarks (0.10.21,
refined) of many people and of faces that move. OUT is the data file that `heads/builtin.py` reads.
"""
