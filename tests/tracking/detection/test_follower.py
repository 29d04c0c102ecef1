# SPDX-License-Identifier: GPL-3.0-or-later
"""One person is followed, whoever else is in the picture. The person is NASA's public-domain portrait."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from semblance.tests.makers.footage import portrait
from semblance.tracking.detection.follower import Place, SubjectFollower
from semblance.tracking.detection.landmarks import LandmarkDetector, face_width, middle_of
from semblance.tracking.detection.likeness import Acquaintance, appearance
from semblance.tracking.detection.scene import Change, Scene

if TYPE_CHECKING:
    from collections.abc import Iterable

    from semblance.tracking.detection.landmarks import Landmarks

APART = 0.1
"""Seconds between two pictures."""
SUBJECT, POSTER = (348, 100), (64, 64)
"""Where the two faces of `scene` are, more or less."""


def scene(person: np.ndarray | None, other: np.ndarray | None = None, shift: int = 0) -> np.ndarray:
    """A room `[256, 480, 3]` with a person on the right and somebody else on the left, in pictures of any size."""
    room = np.full((256, 480, 3), (120, 126, 130), np.uint8)
    if person is not None:
        left = 220 + shift
        room[:, left : left + 256] = person[:, : 480 - left]
    if other is not None:
        room[10 : 10 + len(other), 10 : 10 + other.shape[1]] = other
    return room


def small(picture: np.ndarray, side: int = 110) -> np.ndarray:
    return cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)


def stranger() -> np.ndarray:
    """Somebody else: broader, lit from one side, with a dark band over the eyes."""
    broad = cv2.resize(portrait()[:, 32:224], (256, 256)).astype(np.float32)
    broad *= np.linspace(0.25, 1.1, 256)[None, :, None]
    broad[78:98, 70:180] *= 0.3
    return np.clip(broad, 0, 255).astype(np.uint8)


def followed(pictures: Iterable[np.ndarray]) -> list[Landmarks | None]:
    with SubjectFollower() as follower:
        return [follower.follow(picture, APART * index) for index, picture in enumerate(pictures)]


def near(face: Landmarks | None, place: tuple[int, int]) -> bool:
    return face is not None and bool(np.linalg.norm(middle_of(face) - place) < 50)


@pytest.mark.parametrize("other", [small(portrait()), small(portrait()[:, ::-1], 200)], ids=["poster", "mirror"])
def test_while_the_person_is_away_nobody_else_is_followed(other: np.ndarray) -> None:
    there, away = scene(portrait(), other), scene(None, other)
    faces = followed([*[there] * 3, *[away] * 30, *[there] * 3])
    assert all(near(face, SUBJECT) for face in faces[:3] + faces[-3:])
    assert faces[3:-3] == [None] * 30


def test_one_who_covers_the_person_is_not_followed() -> None:
    there, covered = scene(portrait()), scene(stranger())
    faces = followed([*[there] * 3, *[covered] * 5, *[there] * 3])
    assert all(near(face, SUBJECT) for face in faces[:3] + faces[-3:])
    assert faces[3:-3] == [None] * 5


def test_the_widest_face_of_the_first_picture_is_the_subject() -> None:
    assert near(followed([scene(portrait(), small(portrait()))])[0], SUBJECT)
    left = scene(small(portrait(), 256), None)
    left[:, 220:] = left[:, :1]
    left[:110, 300:410] = small(portrait())
    left[:, :256] = portrait()
    assert near(followed([left])[0], (SUBJECT[0] - 220, SUBJECT[1]))


def test_after_a_cut_the_same_person_is_found_elsewhere_and_another_is_not() -> None:
    first = scene(portrait())
    closer = cv2.resize(portrait()[20:200, 40:220], (480, 480), interpolation=cv2.INTER_CUBIC)[100:356]
    faces = followed([first, first, closer, closer])
    assert all(face is not None for face in faces)
    other = cv2.resize(stranger(), (480, 480))[0:256]
    assert followed([first, first, other, other])[2:] == [None, None]


def test_the_person_may_come_to_where_somebody_else_was() -> None:
    """After a cut, say; one who looks like the person is a picture of it and stays one."""
    both = np.full((256, 480, 3), (120, 126, 130), np.uint8)
    both[:, :256], both[60:200, 300:440] = portrait(), cv2.resize(stranger(), (140, 140))
    other = (255 - np.full_like(both, 100)) // 4
    other[60:200, 300:440] = cv2.resize(portrait(), (140, 140), interpolation=cv2.INTER_AREA)
    faces = followed([both, both, other, other])
    assert near(faces[1], (128, 123))
    assert near(faces[3], (370, 127))


def test_when_the_light_changes_the_person_stays_the_same() -> None:
    bright = scene(portrait())
    shade = np.linspace(0.15, 0.9, 480)[None, :, None]
    dim = (0.6 * bright * shade).astype(np.uint8)
    assert all(near(face, SUBJECT) for face in followed([bright, bright, *[dim] * 3])[3:])


def test_who_was_seen_larger_and_longer_is_known_at_the_end() -> None:
    other = small(stranger(), 150)
    with SubjectFollower() as follower:
        for index in range(45):
            follower.follow(scene(None if index < 5 else portrait(), other if index < 15 else None), APART * index)
    main = follower.census.main_person()
    assert main is not None
    with SubjectFollower(main) as follower:
        assert follower.follow(scene(None, other), 0.0) is None
        assert near(follower.follow(scene(portrait(), other), APART), SUBJECT)


def face_of(picture: np.ndarray) -> Landmarks:
    with LandmarkDetector(still=True) as detector:
        face = detector.detect(picture)
    assert face is not None
    return face


def test_looks_tell_people_and_mirror_images_apart() -> None:
    known = Acquaintance(appearance(portrait(), face_of(portrait())))
    brighter = np.clip(0.5 * portrait().astype(np.float32) + 90, 0, 255).astype(np.uint8)
    large = cv2.resize(portrait(), (700, 700), interpolation=cv2.INTER_CUBIC)
    for picture in (brighter, large):
        seen = appearance(picture, face_of(picture))
        assert known.likeness(seen) > 0.95
        assert not known.is_mirrored(seen)
    assert known.likeness(appearance(stranger(), face_of(stranger()))) < 0.6
    mirrored = np.ascontiguousarray(portrait()[:, ::-1])
    assert known.is_mirrored(appearance(mirrored, face_of(mirrored)))
    assert known.likeness(appearance(np.full_like(portrait(), 90), face_of(portrait()))) == 0


def test_another_look_of_the_person_is_learnt_and_a_strangers_is_not() -> None:
    first, other = np.zeros(468, np.float32), np.zeros(468, np.float32)
    first[0], other[1] = 1, 1
    known = Acquaintance(first)
    between = (0.8 * first + 0.6 * other).astype(np.float32)
    known.learn(other)
    assert known.likeness(other) == 0
    known.learn(between)
    assert known.likeness(between) == pytest.approx(1)
    assert known.likeness(other) == pytest.approx(0.6)
    known.learn(-other, certainly=True)
    assert known.likeness(-other) == pytest.approx(1)


def test_cuts_and_light_are_told_from_motion() -> None:
    pictures = portrait(), portrait(4), (0.5 * portrait(4)).astype(np.uint8), stranger()[::-1]
    watched = Scene()
    changes = [watched.change(picture) for picture in pictures]
    assert changes == [Change.NONE, Change.NONE, Change.LIGHT, Change.CUT]


def test_how_far_a_face_goes() -> None:
    here = Place(np.array([100, 100], np.float32), 50, 1.0)

    def moved(widths: float, seconds: float, size: float = 1.0) -> Place:
        return Place(here.middle + np.array([50 * widths, 0], np.float32), 50 * size, 1.0 + seconds)

    assert here.may_step_to(moved(0.2, 0.04))
    assert not here.may_step_to(moved(0.5, 0.04))
    assert here.may_step_to(moved(0.5, 0.2))
    assert not here.may_step_to(moved(0, 0.04, 1.3))
    assert here.expects(moved(0.9, 0.5))
    assert not here.expects(moved(1.6, 60))
    assert not here.expects(moved(0.2, 1, 0.6))


def test_a_face_at_the_pictures_edge_is_followed_through_its_window() -> None:
    pictures = [scene(portrait(), small(portrait()), 2 * index) for index in range(30)]
    faces = followed([pictures[0], scene(None, small(portrait())), *pictures])
    seen = [face for face in faces if face is not None]
    assert len(seen) == 31
    assert faces[1] is None
    assert np.diff([middle_of(face)[0] for face in seen[1:]]) == pytest.approx(np.full(29, 2), abs=3)
    assert face_width(seen[-1]) == pytest.approx(face_width(seen[0]), rel=0.1)
