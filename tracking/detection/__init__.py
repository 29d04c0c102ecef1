# SPDX-License-Identifier: GPL-3.0-or-later
"""What MediaPipe finds in a picture: the landmarks of a face, and the hands before it."""
