# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's 478 face landmarks, in pixels of the full upright picture."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import cv2
import numpy as np

from ...common.errors import UserError
from ..heads.arrays import Floats, Image, Numbers
from .face_mesh import open_face_mesh
from .face_window import FaceFinder, Window
from .quiet_mediapipe import silenced

if TYPE_CHECKING:
    from pathlib import Path

    from .face_mesh import Face

Landmarks = Floats
"""`[478, 3]` pixels: x right, y down, z (scale of x) away from the viewer, 0 near the middle of the head."""

LANDMARK_COUNT, IRISES_START = 478, 468
DETECTION_SIDE = 960
"""Longer side of the pictures given to MediaPipe. It looks at 256 x 256 pixels of the face; more costs only copies."""
SMALLEST_FACE = 40
"""A face narrower than this many pixels is not tracked: its eyelids and lips are smaller than the landmarks' noise."""
SECOND_FACE = 0.5
"""Another face counts when it is at least this wide, compared with the first."""
MOST_FACES = 4
CLOSE = 2.4
"""Side of the window through which a chosen face is followed, over the width of the face."""
SEARCH_INTERVAL = 10
"""Frames between searches for a small face, where FaceMesh sees none."""

# Indices of MediaPipe's topology, from its `face_mesh_connections.py`; left and right are the subject's.
LEFT_IRIS, RIGHT_IRIS = (473, 474, 475, 476, 477), (468, 469, 470, 471, 472)
LEFT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398)
RIGHT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173)
LEFT_BROW = (276, 283, 282, 295, 285, 300, 293, 334, 296, 336)
RIGHT_BROW = (46, 53, 52, 65, 55, 70, 63, 105, 66, 107)
LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
)  # fmt: skip
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
LEFT_EYE_CORNERS, RIGHT_EYE_CORNERS = (263, 362), (33, 133)
"""Outer, inner."""
LEFT_LID_PAIRS, RIGHT_LID_PAIRS = ((386, 374), (385, 380), (387, 373)), ((159, 145), (158, 153), (160, 144))
"""Upper lid, lower lid."""
INNER_LIP_PAIRS = ((13, 14), (82, 87), (312, 317))
"""Upper lip, lower lip."""


class LandmarkDetector:
    """Finds the landmarks of the largest face; close it after use, or use it in a `with` statement.

    In video mode (the default) it follows one face from frame to frame; with `still=True` every picture stands alone
    and up to `MOST_FACES` faces are seen. A face that is small in the picture is looked at through a window.
    """

    def __init__(self, still: bool = False) -> None:
        self._still = still
        self._finder: FaceFinder | None = None
        self._window: Window | None = None
        self._is_turned = False
        self._searches_to_skip = 0
        self._has_seen_a_face = False
        with silenced():
            self._mesh = open_face_mesh(still, MOST_FACES if still else 1)
            self._wait_for_start()

    def __enter__(self) -> LandmarkDetector:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give MediaPipe's graphs back."""
        self._mesh.close()
        if self._finder:
            self._finder.close()

    def detect(self, rgb: Image) -> Landmarks | None:
        """Return the landmarks `[478, 3]` of the largest face in a picture `[H, W, 3]`, or None when there is none."""
        faces = self.detect_all(rgb)
        return faces[0] if faces else None

    def detect_all(self, rgb: Image) -> list[Landmarks]:
        """Return `[478, 3]`, the landmarks of every face in `rgb [H, W, 3]`, the widest first and none twice."""
        small = shrunk(rgb, DETECTION_SIDE)
        if self._still:
            self._window = None
        faces = self._faces_in(small, self._window)
        if self._is_turned:
            self._keep_in_view(faces, small)
        elif not faces:
            self._window = self._search(small)
            faces = self._faces_in(small, self._window) if self._window else []
        elif self._window and not self._window.holds(middle_of(faces[0])):
            self._start_again(None)
        faces = [face * np.float32(rgb.shape[1] / small.shape[1]) for face in faces]
        return distinct(sorted(faces, key=face_width, reverse=True))

    def detect_everywhere(self, rgb: Image) -> list[Landmarks]:
        """Return as `detect_all`, with the small faces beside large ones; no side is longer than `DETECTION_SIDE`."""
        faces = self._faces_in(rgb, None)
        self._finder = self._finder or FaceFinder()
        for window in self._finder.find_all(rgb)[:MOST_FACES]:
            if not any(window.holds(middle_of(face)) for face in faces):
                faces += self._faces_in(rgb, window)
        return distinct(sorted(faces, key=face_width, reverse=True))

    def faces_within(self, rgb: Image, window: Window) -> list[Landmarks]:
        """Return `[478, 3]`, the landmarks of every face in a window of `rgb [H, W, 3]`, in the picture's pixels.

        No side of the picture is longer than `DETECTION_SIDE`.
        """
        return distinct(sorted(self._faces_in(rgb, window), key=face_width, reverse=True))

    def turn_to(self, face: Landmarks, rgb: Image) -> None:
        """Follow the face `[478, 3]` in `rgb [H, W, 3]`, no side of which is longer than `DETECTION_SIDE`, from now on.

        It is looked at through a window, so that faces elsewhere in the picture do not draw the eye; when it leaves the
        window nothing is found any more.
        """
        self._is_turned = True
        self._start_again(close_window(face, rgb))

    def _keep_in_view(self, faces: list[Landmarks], rgb: Image) -> None:
        """Move the window with the face that was chosen."""
        window = close_window(faces[0], rgb) if faces else self._window
        if window and self._window and not window.resembles(self._window):
            self._start_again(window)

    def _start_again(self, window: Window | None) -> None:
        """Forget where the face was, and look for it through a window, or in the whole picture."""
        self._window = window
        with silenced():
            self._mesh.reset()
            self._wait_for_start()

    def _wait_for_start(self) -> None:
        """Wait until the graph's threads have started, and announced so."""
        self._mesh.process(np.zeros((16, 16, 3), np.uint8))

    def _search(self, rgb: Image) -> Window | None:
        """Look for a small face; while there is none, only now and then."""
        if self._searches_to_skip:
            self._searches_to_skip -= 1
            return None
        self._finder = self._finder or FaceFinder()
        window = self._finder.find(rgb)
        self._searches_to_skip = 0 if window or self._still else SEARCH_INTERVAL
        return window

    def _faces_in(self, rgb: Image, window: Window | None) -> list[Landmarks]:
        """Return the landmarks of all faces seen in a window of a picture, in the picture's pixels."""
        part = window.cut(rgb) if window else rgb
        height, width = part.shape[:2]
        with ExitStack() as stack:
            if not self._has_seen_a_face:
                stack.enter_context(silenced())
            found = self._mesh.process(part).multi_face_landmarks or []
        self._has_seen_a_face |= bool(found)
        corner = np.array([window.x, window.y, 0] if window else [0, 0, 0], np.float32)
        return [as_array(face) * np.array([width, height, width], np.float32) + corner for face in found]


def landmarks_of_photo(rgb: Image, path: str | Path) -> Landmarks:
    """Return the landmarks `[478, 3]` of the one face in a photo.

    Raises:
        UserError: the photo shows no face, more than one, or too small a one. `path` is named in it.
    """
    with LandmarkDetector(still=True) as detector:
        faces = detector.detect_all(rgb)
    if not faces:
        raise UserError(f"No face was found in {path}; choose a photo in which one face is seen from the front.")
    require_one(faces, path)
    require_size(faces[0], path)
    return faces[0]


def close_window(face: Landmarks, rgb: Image) -> Window:
    """The window about a face `[478, 3]` in `rgb [H, W, 3]` in which no other face beside it is whole."""
    width = float(np.ptp(face[:IRISES_START, 0]))
    return Window.about(middle_of(face), CLOSE * width, (rgb.shape[0], rgb.shape[1]))


def rivals_among(faces: list[Landmarks], share: float = SECOND_FACE) -> int:
    """Return how many of the faces `[478, 3]`, the widest first, are at least a share as wide as that."""
    return sum(face_width(face) >= share * face_width(faces[0]) for face in faces)


def require_one(faces: list[Landmarks], path: str | Path) -> None:
    """Raise `UserError` when more than one of the faces `[478, 3]` is of comparable size."""
    rivals = rivals_among(faces)
    if rivals > 1:
        raise UserError(f"{path} shows {rivals} faces; cut it so that only one person is seen.")


def require_size(landmarks: Landmarks, path: str | Path) -> None:
    """Raise `UserError` when the face of `landmarks [478, 3]` is too small to be tracked."""
    width = face_width(landmarks)
    if width < SMALLEST_FACE:
        raise UserError(
            f"The face in {path} is only {width:.0f} pixels wide and {SMALLEST_FACE} are needed; "
            "use a larger picture or move the camera closer."
        )


def middle_of(landmarks: Landmarks) -> Floats:
    """Middle of a face in pixels, `[2]`."""
    middle: Floats = landmarks[:IRISES_START, :2].mean(0)
    return middle


def face_width(landmarks: Landmarks) -> float:
    """Width of a face in pixels: the larger extent of `landmarks [478, 3]`, so that a turned head keeps its width."""
    return float(np.ptp(landmarks[:IRISES_START, :2], axis=0).max())


def eye_distance(landmarks: Landmarks) -> Numbers:
    """Distance in pixels between the middles of the eyes, of `[..., 478, 3]`; depth counts, so turning keeps it."""
    left = landmarks[..., LEFT_EYE_CORNERS, :].mean(-2)
    right = landmarks[..., RIGHT_EYE_CORNERS, :].mean(-2)
    distance: Numbers = np.linalg.norm(left - right, axis=-1)
    return distance


def shrunk(rgb: Image, longest: int) -> Image:
    """The picture `[H, W, 3]` with no side longer than `longest` pixels."""
    height, width = rgb.shape[:2]
    scale = longest / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(rgb)
    small: Image = cv2.resize(rgb, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    return small


def as_array(face: Face) -> Landmarks:
    """MediaPipe's landmark list as `[478, 3]`, in units of the picture's width (x, z) and height (y)."""
    return np.array([(point.x, point.y, point.z) for point in face.landmark], np.float32)


def distinct(faces: list[Landmarks]) -> list[Landmarks]:
    """Drop faces `[478, 3]` that lie on one that comes before them: MediaPipe may return the same face twice."""
    kept: list[Landmarks] = []
    for face in faces:
        if all(np.linalg.norm(middle_of(face) - middle_of(other)) > face_width(other) / 2 for other in kept):
            kept.append(face)
    return kept
