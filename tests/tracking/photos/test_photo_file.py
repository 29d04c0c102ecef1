# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos of every kind are read upright and in sRGB's colours: profiles, gammas, HEIC, deep samples, huge ones."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from semblance.common.errors import UserError
from semblance.tests.makers.footage import portrait
from semblance.tests.makers.heif import write_heic
from semblance.tracking.photos.photo_file import read_photo

if TYPE_CHECKING:
    from pathlib import Path

TO_P3 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])
"""Linear RGB of sRGB to Display P3 (Apple)."""
TO_ADOBE = np.array([[0.7152, 0.2848, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0412, 0.9588]])
"""Linear RGB of sRGB to Adobe RGB (1998)."""
P3_PLACES = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """A portrait `[96, 128, 3]` in strong colours, a little soft, so that packing changes little."""
    small = cv2.resize(portrait()[32:224], (128, 96), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), 1.5).astype(np.float32)
    grey = soft.mean(2, keepdims=True)
    return np.clip(grey + 1.6 * (soft - grey), 5, 250).astype(np.uint8)


def linear(picture: np.ndarray) -> np.ndarray:
    signal = picture / 255
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def bytes_of(signal: np.ndarray) -> np.ndarray:
    return np.round(255 * np.clip(signal, 0, 1)).astype(np.uint8)


def in_p3(picture: np.ndarray) -> np.ndarray:
    """The picture with sRGB's curve and Display P3's primaries."""
    light = np.clip(linear(picture) @ TO_P3.T, 0, 1)
    return bytes_of(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055))


def p3_profile() -> bytes:
    """An ICC profile of Display P3: three curves and three columns, adapted to D50."""
    columns = [(0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)]
    curve = struct.pack(
        ">4sIHH5i", b"para", 0, 3, 0, *(round(each * 65536) for each in (2.4, 0.947867, 0.052133, 0.077399, 0.04045))
    )
    return profile_of(
        b"RGB ",
        {
            **{n: xyz(c) for n, c in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)},
            **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
        },
    )


def grey_profile(gamma: float) -> bytes:
    """An ICC profile of grey with a gamma."""
    return profile_of(b"GRAY", {b"kTRC": struct.pack(">4sIHHi", b"para", 0, 0, 0, round(gamma * 65536))})


def press_profile(cyan: tuple[int, int, int]) -> bytes:
    """An ICC profile of a press: white paper, `cyan` in Lab where there is cyan, black where there is anything else."""
    corners = [(100, 0, 0) if ink == 0 else cyan if ink == 8 else (5, 0, 0) for ink in range(16)]
    table = bytes(round(value) for lightness, a, b in corners for value in (lightness * 2.55, a + 128, b + 128))
    unit = struct.pack(">9i", *(65536 * (place % 4 == 0) for place in range(9)))
    ramp = bytes(range(256))
    lookup = struct.pack(">4sIBBBB", b"mft1", 0, 4, 3, 2, 0) + unit + 4 * ramp + table + 3 * ramp
    return profile_of(b"CMYK", dict.fromkeys((b"A2B0", b"A2B1"), lookup), b"prtr", b"Lab ")


def xyz(values: tuple[float, float, float]) -> bytes:
    return struct.pack(">4sI3i", b"XYZ ", 0, *(round(each * 65536) for each in values))


def profile_of(space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", pcs: bytes = b"XYZ ") -> bytes:
    name = b"made for a test"
    text = struct.pack(">4sIIIHHII", b"mluc", 0, 1, 12, int.from_bytes(b"en"), int.from_bytes(b"US"), 2 * len(name), 28)
    tags = {**tags, b"wtpt": xyz((0.9642, 1, 0.8249)), b"desc": text + name.decode().encode("utf-16-be")}
    place, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for key, content in tags.items():
        table += struct.pack(">4sII", key, place + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = place + len(body)
    head = (
        struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02400000 if pcs == b"Lab " else 0x04200000, kind, space, pcs)
        + bytes(12)
        + b"acsp"
    )
    head += bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def error(path: Path, wanted: np.ndarray) -> float:
    """Mean absolute difference in levels."""
    read = read_photo(path)
    assert read.shape == wanted.shape
    return float(np.abs(read.astype(int) - wanted).mean())


def with_chunks(png: Path, *chunks: tuple[bytes, bytes]) -> Path:
    """Put chunks behind the heading of a PNG."""
    data = png.read_bytes()
    added = b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )
    png.write_bytes(data[:33] + added + data[33:])
    return png


# --- profiles -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.avif"])
def test_a_profile_is_followed_in_every_kind_of_file(tmp_path, face, name):
    stored = in_p3(face)
    assert np.abs(stored.astype(int) - face).mean() > 2
    Image.fromarray(stored).save(tmp_path / name, icc_profile=p3_profile(), quality=98)
    assert error(tmp_path / name, face) < 1.5


def test_a_profile_is_followed_where_there_is_transparency(tmp_path, face):
    stored = np.dstack([in_p3(face), np.full(face.shape[:2], 255, np.uint8)])
    stored[:10, :, 3] = 0
    Image.fromarray(stored).save(tmp_path / "a.png", icc_profile=p3_profile())
    read = read_photo(tmp_path / "a.png")
    assert read[:10].min() == 255
    assert np.abs(read[10:].astype(int) - face[10:]).mean() < 0.6


@pytest.mark.parametrize("depth", [8, 16])
def test_grey_profiles_are_followed(tmp_path, face, depth):
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    stored = linear(grey) ** (1 / 1.4)
    picture = bytes_of(stored) if depth == 8 else np.round(stored * 65535).astype(np.uint16)
    Image.fromarray(picture).save(tmp_path / "a.png", icc_profile=grey_profile(1.4))
    assert error(tmp_path / "a.png", np.dstack([grey] * 3)) < 1


def test_profiles_of_presses_are_followed(tmp_path):
    inks = np.zeros((64, 64, 4), np.uint8)
    inks[:, 32:, 0] = 255
    wanted = cv2.cvtColor(np.array([[(60, -20, -40)]], np.float32), cv2.COLOR_Lab2RGB)[0, 0] * 255
    Image.fromarray(inks, "CMYK").save(tmp_path / "a.tif", icc_profile=press_profile((60, -20, -40)))
    read = read_photo(tmp_path / "a.tif").astype(int)
    assert read[32, 8].min() >= 253
    assert np.abs(read[32, 56] - wanted).max() < 12


def test_cmyk_without_a_profile_is_read(tmp_path, face):
    Image.fromarray(face).convert("CMYK").save(tmp_path / "a.jpg", quality=98)
    assert error(tmp_path / "a.jpg", face) < 2


@pytest.mark.parametrize("profile", [b"rubbish" * 40, grey_profile(1.4)], ids=["damaged", "of another kind"])
def test_a_profile_that_cannot_be_followed_is_passed_over(tmp_path, face, profile):
    Image.fromarray(face).save(tmp_path / "a.png", icc_profile=profile)
    assert error(tmp_path / "a.png", face) == 0


def test_srgbs_own_profile_changes_nothing(tmp_path, face):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(face).save(tmp_path / "a.png", icc_profile=profile)
    assert error(tmp_path / "a.png", face) < 0.1


# --- other marks of colour ------------------------------------------------------------------------------------------


def places(*corners: tuple[float, float]) -> bytes:
    return struct.pack(">8I", *(round(each * 100_000) for corner in ((0.3127, 0.3290), *corners) for each in corner))


def test_primaries_of_a_png_are_followed(tmp_path, face):
    Image.fromarray(in_p3(face)).save(tmp_path / "a.png")
    with_chunks(tmp_path / "a.png", (b"gAMA", struct.pack(">I", 45455)), (b"cHRM", places(*P3_PLACES)))
    assert error(tmp_path / "a.png", face) < 0.6


@pytest.mark.parametrize("gamma", [1.0, 1 / 1.8])
def test_gamma_of_a_png_is_followed(tmp_path, face, gamma):
    light = face.copy()
    light[light < 20] = 20  # eight bits of linear light do not hold more
    Image.fromarray(bytes_of(linear(light) ** gamma)).save(tmp_path / "a.png")
    with_chunks(tmp_path / "a.png", (b"gAMA", struct.pack(">I", round(gamma * 100_000))))
    assert error(tmp_path / "a.png", light) < 2


@pytest.mark.parametrize("gamma", [0, 45455, 4_000_000_000])
def test_an_ordinary_or_senseless_gamma_changes_nothing(tmp_path, face, gamma):
    Image.fromarray(face).save(tmp_path / "a.png")
    with_chunks(tmp_path / "a.png", (b"gAMA", struct.pack(">I", gamma)), (b"cHRM", bytes(32)))
    assert error(tmp_path / "a.png", face) == 0


def test_a_camera_that_says_adobe_rgb_is_believed(tmp_path, face):
    stored = bytes_of(np.clip(linear(face) @ TO_ADOBE.T, 0, 1) ** (256 / 563))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 0xFFFF
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    assert np.abs(stored.astype(int) - face).mean() > 2
    Image.fromarray(stored).save(tmp_path / "a.jpg", exif=exif, quality=98)
    assert error(tmp_path / "a.jpg", face) < 1.5


def test_code_points_of_a_png_are_followed(tmp_path, face):
    Image.fromarray(in_p3(face)).save(tmp_path / "a.png")
    assert error(with_chunks(tmp_path / "a.png", (b"cICP", bytes([12, 13, 0, 1]))), face) < 0.6


def test_an_hdr_png_is_shown_as_the_sdr_picture_of_the_same_scene(tmp_path, face):
    power = ((face / 255) ** 2.4 * 203 / 10_000) ** (2610 / 16384)
    signal = ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)
    cv2.imwrite(str(tmp_path / "a.png"), np.round(signal[..., ::-1] * 65535).astype(np.uint16))
    path = with_chunks(tmp_path / "a.png", (b"cICP", bytes([1, 16, 0, 1])))
    assert error(path, face) < 1


# --- HEIC -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tile", [0, 64])
@pytest.mark.parametrize(("turns", "mirror"), [(0, None), (1, None), (3, None), (0, 1), (1, 0)])
def test_heic_is_read_upright(tmp_path, face, tile, turns, mirror):
    path = write_heic(tmp_path / "a.heic", face[:90, :120], tile=tile, turns=turns, mirror=mirror)
    shown = np.rot90(face[:90, :120], turns)
    shown = shown if mirror is None else shown[:, ::-1] if mirror else shown[::-1]
    assert error(path, shown) < 1.2


@pytest.mark.parametrize("tile", [0, 64])
def test_a_phones_heic_has_a_profile(tmp_path, face, tile):
    path = write_heic(tmp_path / "a.heic", in_p3(face), tile=tile, colour=(2, 2, 6, True), profile=p3_profile())
    assert error(path, face) < 1.2


def test_heic_that_says_its_primaries_by_number_only(tmp_path, face):
    assert error(write_heic(tmp_path / "a.heic", in_p3(face), colour=(12, 13, 6, True)), face) < 1.2


def test_heic_that_says_nothing_of_its_colours(tmp_path, face):
    assert error(write_heic(tmp_path / "a.heic", face, colour=None), face) < 1.2


@pytest.mark.parametrize("share", [0.05, 0.3, 0.9])
def test_damaged_heic_ends_in_a_sentence(tmp_path, face, share):
    path = write_heic(tmp_path / "a.heic", face, tile=64)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(UserError, match=r"HEIC .*a\.heic"):
        read_photo(path)


def test_huge_heic_is_reduced_while_it_is_read(tmp_path, face, monkeypatch):
    monkeypatch.setattr("semblance.tracking.photos.photo_file.MOST_PIXELS", 32)
    path = write_heic(tmp_path / "a.heic", face, tile=64)
    wanted = cv2.resize(face, (32, 24), interpolation=cv2.INTER_AREA)
    assert error(path, wanted) < 3


# --- deep samples ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "uint32", "uint16"])
@pytest.mark.parametrize("grey", [False, True])
def test_deep_tiffs_are_read(tmp_path, face, kind, grey):
    picture = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) if grey else face
    white = 1 if kind.startswith("float") else np.iinfo(kind).max
    samples = (picture / 255 * white).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="minisblack" if grey else "rgb")
    assert error(tmp_path / "a.tif", np.dstack([picture] * 3) if grey else picture) <= 1


@pytest.mark.parametrize("kind", ["float32", "int32"])
def test_deep_tiffs_that_count_to_255_are_read(tmp_path, face, kind):
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    tifffile.imwrite(tmp_path / "a.tif", grey.astype(kind), photometric="minisblack")
    assert error(tmp_path / "a.tif", np.dstack([grey] * 3)) == 0


def test_deep_tiffs_are_turned_and_have_profiles(tmp_path, face):
    stored = np.rot90(in_p3(face)).astype(np.float32) / 255
    turned = (274, "H", 1, 6, True)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extratags=[turned], iccprofile=p3_profile())
    assert error(tmp_path / "a.tif", face) < 0.6


# --- size -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_200_megapixels_are_read_without_a_word(tmp_path):
    Image.new("L", (16_400, 12_200), 90).save(tmp_path / "a.jpg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        photo = read_photo(tmp_path / "a.jpg")
    assert photo.shape == (3047, 4096, 3)
    assert np.abs(photo.astype(int) - 90).max() <= 1


def test_more_than_anyone_needs_is_refused_by_its_number(tmp_path):
    heading = struct.pack(">IIBBBBB", 60_000, 60_000, 1, 0, 0, 0, 0)
    path = tmp_path / "a.png"
    Image.new("1", (8, 8)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[:16] + heading + struct.pack(">I", zlib.crc32(b"IHDR" + heading)) + data[33:])
    with pytest.raises(UserError, match=r"3600 megapixels"):
        read_photo(path)


# --- files from use -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["display-p3.jpg", "photo.heic"])
def test_real_photos_look_like_their_srgb_copy(shared, name):
    faults = shared / "faults"
    if not faults.is_dir():
        pytest.skip(f"needs {faults}")
    wanted = np.asarray(Image.open(io.BytesIO((faults / "photo-as-srgb.jpg").read_bytes())))
    assert error(faults / name, wanted) < 1.5
