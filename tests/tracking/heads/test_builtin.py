# SPDX-License-Identifier: GPL-3.0-or-later
"""The built-in head: a symmetric, closed, small head whose lids and lips close and whose eyes turn."""

import subprocess
import sys

import cv2
import numpy as np
import pytest
from scipy.optimize import lsq_linear
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from semblance.common.errors import UserError
from semblance.tracking.heads import builtin
from semblance.tracking.heads.head import ARKIT_NAMES

MILLIMETRE = 0.001
UPPER_LIDS = {"Left": (466, 388, 387, 386, 385, 384, 398), "Right": (246, 161, 160, 159, 158, 157, 173)}
LOWER_LIDS = {"Left": (249, 390, 373, 374, 380, 381, 382), "Right": (7, 163, 144, 145, 153, 154, 155)}
UPPER_LIP, LOWER_LIP = (191, 80, 81, 82, 13, 312, 311, 310, 415), (95, 88, 178, 87, 14, 317, 402, 318, 324)


def posed(head, gaze=None, **amounts):
    """The mean head with some expressions: `eyeBlinkLeft=1`; a name without its side means both."""
    expression = np.zeros(52, np.float32)
    for name, amount in amounts.items():
        for full in [name] if name in ARKIT_NAMES else [f"{name}Left", f"{name}Right"]:
            expression[ARKIT_NAMES.index(full)] = amount
    return head.posed(head.mean, expression, gaze)


def spheres(head):
    """Centre and radius of both eyeballs."""
    for eye in head.eyeballs:
        ball = head.mean[eye.start : eye.stop]
        centre = ball.mean(0) + eye.pivot_offset
        yield eye, centre, np.linalg.norm(ball - centre, axis=1).mean()


def test_size_of_an_adult_head(head):
    pupils = head.mean[head.landmarks[[468, 473]]]
    assert np.linalg.norm(pupils[0] - pupils[1]) == pytest.approx(0.063, abs=0.001)
    skull_top, chin = head.mean[:, 1].min(), head.mean[head.landmarks[152], 1]
    assert 0.21 < chin - skull_top < 0.25
    assert builtin.DATA.stat().st_size < 4e6
    assert len(head.triangles) <= 25_000
    assert head.expression_basis.shape == (52, len(head.mean), 3)
    assert 20 <= len(head.identity_basis) <= 40


def test_left_and_right_are_mirror_images(head):
    flip = np.float32([-1, 1, 1])
    assert cKDTree(head.mean).query(head.mean * flip)[0].max() < 0.05 * MILLIMETRE
    for left_name in [name for name in ARKIT_NAMES if name.endswith("Left")]:
        left = posed(head, **{left_name: 1})[head.landmarks]
        right = posed(head, **{left_name.replace("Left", "Right"): 1})[head.landmarks] * flip
        nearest = np.linalg.norm(left[:, None] - right, axis=-1).min(1)
        assert nearest.max() < 0.05 * MILLIMETRE, left_name


def test_every_expression_moves_its_own_side(head):
    x = head.mean[:, 0]
    for name, field in zip(ARKIT_NAMES, head.expression_basis, strict=True):
        reach = np.linalg.norm(field, axis=1)
        assert reach.max() > 0.5 * MILLIMETRE, name
        assert reach.max() < 60 * MILLIMETRE, name
        if name.endswith("Left") and not name.startswith(("jaw", "mouthLeft")):
            assert reach[x > 0].sum() > 3 * reach[x < 0].sum(), name


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_lids_close_without_a_gap(head, side):
    shut = posed(head, eyeBlink=1)
    upper, lower = shut[head.landmarks[list(UPPER_LIDS[side])]], shut[head.landmarks[list(LOWER_LIDS[side])]]
    assert np.linalg.norm(upper - lower, axis=1).max() < 0.2 * MILLIMETRE


def test_lids_follow_the_eyeballs(head):
    skin = head.regions["skin"]
    for amount in (0, 0.25, 0.5, 0.75, 1):
        lids = posed(head, eyeBlink=amount)
        for _, centre, radius in spheres(head):
            near = np.linalg.norm(lids[skin] - centre, axis=1)
            assert near.min() > radius, f"the lid enters the eyeball at {amount}"
    for side, (_, centre, radius) in zip(("Left", "Right"), spheres(head), strict=True):
        middle = list(UPPER_LIDS[side][2:5])
        for amount in (0, 0.5, 1):
            gap = np.linalg.norm(posed(head, eyeBlink=amount)[head.landmarks[middle]] - centre, axis=1) - radius
            assert gap.max() < 3 * MILLIMETRE


def test_the_whole_rims_of_everyones_lids_meet(head):
    """They neither stay apart nor pass each other, for the mean and for random people."""
    rims, rng = border(head, head.regions["skin"]), np.random.default_rng(2)
    blink = np.isin(ARKIT_NAMES, ("eyeBlinkLeft", "eyeBlinkRight")).astype(np.float32)
    for deviations in (0, *[1] * 12):
        shut = head.shape(deviations * rng.normal(size=len(head.identity_basis)).astype(np.float32), blink)
        for side, corners in (("Left", (263, 362)), ("Right", (33, 133))):
            outer, inner = head.mean[head.landmarks[list(corners)]]
            width, middle = np.linalg.norm(outer - inner), (outer + inner) / 2
            rim = rims[np.abs(head.mean[rims] - middle).max(1) < 0.6 * width]
            share = (head.mean[rim, 0] - outer[0]) / (inner[0] - outer[0])
            is_upper = head.mean[rim, 1] < outer[1] + share * (inner[1] - outer[1])
            upper, lower = shut[rim[is_upper]], shut[rim[~is_upper]]
            assert is_upper.sum() > 20
            assert cKDTree(lower).query(upper)[0].max() < 0.02 * width, side
            lower = lower[np.argsort(lower[:, 0])]
            passed = upper[:, 1] - np.interp(upper[:, 0], lower[:, 0], lower[:, 1])
            assert np.abs(passed).max() < 0.02 * width, side


def border(head, region):
    """Vertices on the border of a region's triangles."""
    triangles = head.triangles[region[head.triangles].all(1)]
    edges, uses = np.unique(np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), 1), axis=0, return_counts=True)
    return np.unique(edges[uses == 1])


def test_lids_follow_the_gaze(head):
    middles = head.landmarks[[386, 159]]
    assert (posed(head, eyeLookDown=1) - head.mean)[middles, 1].min() > 2 * MILLIMETRE
    assert (posed(head, eyeLookUp=1) - head.mean)[middles, 1].max() < -1 * MILLIMETRE
    for way in ("Down", "Up", "In", "Out"):
        lids = posed(head, np.full((2, 2), 0.5, np.float32), **{f"eyeLook{way}": 1})[head.regions["skin"]]
        for _, centre, radius in spheres(head):
            assert np.linalg.norm(lids - centre, axis=1).min() > radius, way


PARTING = {"jawOpen", "jawForward", "mouthFunnel", "mouthClose", "mouthLowerDown", "mouthUpperUp", "mouthStretch"}
"""Shapes after which the lips need not touch."""


def test_lips_touch_along_their_whole_rims_until_something_parts_them(head):
    rim = touching_rims(head)
    assert len(rim) > 30
    shut = {name: 1 for name in ARKIT_NAMES if name.removesuffix("Left").removesuffix("Right") not in PARTING}
    for amounts in (*({name: 1} for name in shut), shut, {"jawOpen": 1, "mouthClose": 1}):
        lips = posed(head, **amounts)
        assert np.linalg.norm(lips[rim[:, 0]] - lips[rim[:, 1]], axis=1).max() < 0.2 * MILLIMETRE, amounts


def touching_rims(head):
    """Pairs of vertices of both lips that lie in one place at rest."""
    lips = np.flatnonzero(head.regions["lips"])
    return lips[cKDTree(head.mean[lips]).query_pairs(0.02 * MILLIMETRE, output_type="ndarray")]


def test_the_jaw_opens_as_wide_as_people_do(head):
    lips = posed(head, jawOpen=1)[head.landmarks]
    aperture = np.linalg.norm(lips[13] - lips[14]) / np.linalg.norm(lips[78] - lips[308])
    assert aperture > 0.94, "the widest mouth in the videos"


@pytest.mark.slow
def test_no_shape_passes_through_itself(head):
    """The surfaces that are seen: skin, lips and tongue around the mouth, and the lids."""
    seen = head.regions["skin"] | head.regions["lips"] | head.regions["tongue"]
    middles = head.mean[head.landmarks[[13, 468, 473]]]
    near = (np.linalg.norm(head.mean[:, None] - middles, axis=-1) < 40 * MILLIMETRE).any(1)
    triangles = head.triangles[(seen & near)[head.triangles].all(1)]
    for name in ARKIT_NAMES:
        if not name.endswith("Right"):
            opened = {"jawOpen": 1} if name in ("mouthClose", "tongueOut") else {}
            shape = posed(head, **{name: 1}, **opened)
            assert len(crossings(shape, triangles, 0.25 * MILLIMETRE)) == 0, name


def crossings(vertices, triangles, depth):
    """Pairs of triangles, not neighbours, of which an edge of one passes through the other by at least `depth`."""
    corners = vertices[triangles].astype(float)
    low, high, middle = corners.min(1), corners.max(1), corners.mean(1)
    reach = np.linalg.norm(corners - middle[:, None], axis=-1).max(1)
    pairs = cKDTree(middle).query_pairs(2 * np.quantile(reach, 0.95), output_type="ndarray")
    pairs = pairs[((low[pairs[:, 0]] <= high[pairs[:, 1]]) & (low[pairs[:, 1]] <= high[pairs[:, 0]])).all(1)]
    first, second = triangles[pairs].transpose(1, 0, 2)
    pairs = pairs[~(first[:, :, None] == second[:, None]).any((1, 2))]
    one, other = corners[np.concatenate([pairs, pairs[:, ::-1]])].transpose(1, 0, 2, 3)
    normal = np.cross(other[:, 1] - other[:, 0], other[:, 2] - other[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    height = np.einsum("nka,na->nk", one - other[:, :1], normal)
    through = np.zeros(len(one), bool)
    for k in range(3):
        start, end = height[:, k], height[:, (k + 1) % 3]
        crosses = (start * end < 0) & (np.minimum(np.abs(start), np.abs(end)) > depth)
        share = start / np.where(crosses, start - end, 1)
        place = one[:, k] + share[:, None] * (one[:, (k + 1) % 3] - one[:, k])
        for i in range(3):
            side = other[:, (i + 1) % 3] - other[:, i]
            crosses &= np.einsum("na,na->n", np.cross(side, place - other[:, i]), normal) > 0
        through |= crosses
    return pairs[through.reshape(2, -1).any(0)]


def test_teeth_and_tongue_follow_the_jaw(head):
    moved = posed(head, jawOpen=1) - head.mean
    teeth = np.flatnonzero(head.regions["teeth"])
    drop = moved[teeth, 1]
    assert (np.abs(drop) < 1e-5).mean() == pytest.approx(0.5, abs=0.02), "the upper row stays"
    front = teeth[(drop > 0) & (head.mean[teeth, 2] < head.mean[teeth, 2].min() + 0.008)]
    assert moved[front, 1].min() > 25 * MILLIMETRE
    assert moved[head.regions["tongue"], 1].min() > 0


def test_normals_point_outward(head):
    directed = head.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    assert len(np.unique(directed, axis=0)) == len(directed), "neighbours agree on which side is out"
    for name, share in (("skin", 0.85), ("eyes", 1.0), ("ears", 0.5), ("tongue", 0.9)):
        region = head.regions[name][head.triangles].all(1)
        for side in (-1, 1) if name in ("eyes", "ears") else (0,):
            half = head.triangles[region & (head.mean[head.triangles[:, 0], 0] * side >= 0)]
            a, b, c = (head.mean[half[:, k]] for k in range(3))
            centre = head.mean[np.unique(half)].mean(0)
            outward = np.einsum("ij,ij->i", np.cross(b - a, c - a), (a + b + c) / 3 - centre)
            assert outward.sum() > 0, name
            assert (outward > 0).mean() >= share, name


def test_the_mesh_is_sound(head):
    a, b, c = (head.mean[head.triangles[:, k]] for k in range(3))
    assert head.triangles.min() == 0
    assert head.triangles.max() == len(head.mean) - 1
    assert len(np.unique(head.triangles)) == len(head.mean), "no vertex hangs loose"
    assert np.isfinite(head.mean).all()
    edges = np.sort(head.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), 1)
    assert np.unique(edges, axis=0, return_counts=True)[1].max() == 2, "no edge has three triangles"
    skin = head.regions["skin"][head.triangles].all(1)
    assert np.linalg.norm(np.cross(b - a, c - a), axis=1)[skin].min() > 0


def test_eyes_turn_the_right_way(head):
    still = posed(head, np.zeros((2, 2), np.float32))
    down = posed(head, np.float32([[0.3, 0], [0.3, 0]])) - still
    aside = posed(head, np.float32([[0, 0.3], [0, 0.3]])) - still
    pupils = head.landmarks[[473, 468]]
    assert (down[pupils, 1] > 3 * MILLIMETRE).all(), "positive pitch looks down"
    assert (aside[pupils, 0] < -3 * MILLIMETRE).all(), "positive yaw looks to the subject's right"
    turned = posed(head, np.float32([[0.3, 0.3], [0.3, 0.3]]))
    for eye, centre, radius in spheres(head):
        distance = np.linalg.norm(turned[eye.start : eye.stop] - centre, axis=1)
        assert np.abs(distance - radius).max() < 0.05 * MILLIMETRE, "an eyeball turns in its place"
    assert head.mean[head.landmarks[473], 0] > 0 > head.mean[head.landmarks[468], 0], "left is positive x"


def test_charts_do_not_overlap(head):
    assert head.uvs.min() >= 0
    assert head.uvs.max() <= 1
    inside = head.uv_mask > 0.5
    assert inside[head.regions["eyes"] | head.regions["mouth"] | head.regions["lips"]].all()
    assert not inside[head.regions["neck"] | head.regions["ears"]].any()
    face = head.triangles[inside[head.triangles].all(1)]
    a, b, c = (head.uvs[face[:, k]].astype(float) for k in range(3))
    area = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    skin = (head.regions["skin"] | head.regions["lips"])[face].all(1)
    assert (area[skin] > 0).all() or (area[skin] < 0).all(), "no triangle of the face is turned over"
    assert 0.45 < np.abs(area[skin]).sum() < 0.8, "the face has most of the square"
    painted = np.zeros((1024, 1024), np.uint8)
    whole = head.triangles
    links = coo_matrix((np.ones(3 * len(whole)), (whole.ravel(), np.roll(whole, 1, 1).ravel())), [len(head.mean)] * 2)
    count, chart = connected_components(links, False)
    for number in range(count):
        own = np.zeros_like(painted)
        for triangle in head.uvs[whole[chart[whole[:, 0]] == number]]:
            cv2.fillConvexPoly(own, np.round(triangle * 1023).astype(np.int32), 1)
        painted += own
    assert painted.max() == 1, "no chart lies on another"


def test_colours_are_those_of_a_face(head):
    def mean(region):
        return head.texture_mean[head.regions[region]].mean(0)

    red, green, blue = mean("skin")
    assert red > green > blue > 0.3
    assert mean("lips")[0] - mean("lips")[1] > red - green, "lips are redder than skin"
    assert mean("brows").mean() < mean("skin").mean() - 0.2
    assert head.texture_mean[head.landmarks[468]].max() < 0.15, "pupils are dark"
    teeth = head.texture_mean[head.regions["teeth"]]
    assert teeth.max(0).min() > 0.7
    coefficients = np.full(len(head.texture_basis), 3, np.float32)
    assert 0 <= head.texture(coefficients).min() <= head.texture(-coefficients).max() <= 1


MONK_TONES = (0xF6EDE4, 0xF3E7DB, 0xF7EAD0, 0xEADABA, 0xD7BD96, 0xA07E56, 0x825C43, 0x604134, 0x3A312A, 0x292420)
"""The Monk Skin Tone Scale (Ellis Monk, skintone.google)."""


@pytest.mark.parametrize("tone", MONK_TONES, ids=lambda tone: f"{tone:06x}")
def test_every_skin_tone_is_within_reach(head, tone):
    cheek = head.landmarks[425]
    wanted = np.array([tone >> 16, tone >> 8 & 255, tone & 255]) / 255
    basis, offset = head.texture_basis[:, cheek].T, wanted - head.texture_mean[cheek]
    usual = 0.01 * np.eye(basis.shape[1])
    coefficients = lsq_linear(np.vstack([basis, usual]), np.append(offset, np.zeros(len(usual))), (-3, 3)).x
    colours = np.float32([[head.texture(coefficients.astype(np.float32))[cheek], wanted]])
    found, aim = cv2.cvtColor(colours, cv2.COLOR_RGB2Lab)[0]
    assert np.linalg.norm(found - aim) < 3


def test_identities_are_people_not_monsters(head):
    rng = np.random.default_rng(4)
    for _ in range(10):
        person = head.neutral(rng.normal(size=len(head.identity_basis)).astype(np.float32))
        moved = np.linalg.norm(person - head.mean, axis=1)
        assert 1 * MILLIMETRE < moved.max() < 35 * MILLIMETRE
        ball = (
            person[head.eyeballs[0].start : head.eyeballs[0].stop]
            - head.mean[head.eyeballs[0].start : head.eyeballs[0].stop]
        )
        assert np.ptp(ball, axis=0).max() < 0.1 * MILLIMETRE, "eyeballs keep their size"


def test_it_needs_nothing_but_numpy():
    script = (
        "import sys, semblance.tracking.heads.registry as r; r.open_head('builtin');"
        "sys.exit(bool({'scipy', 'cv2', 'torch', 'mediapipe'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_damaged_file_is_named(tmp_path):
    for data in (b"", builtin.DATA.read_bytes()[:100_000]):
        path = tmp_path / f"{len(data)}.npz"
        path.write_bytes(data)
        with pytest.raises(UserError, match="install Semblance again"):
            builtin.load_builtin(path)


def test_an_identity_of_another_version_of_the_head_is_refused(head):
    with pytest.raises(UserError, match="32 coefficients"):
        head.neutral(np.zeros(32, np.float32))
