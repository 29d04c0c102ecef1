# SPDX-License-Identifier: GPL-3.0-or-later
"""Films and pictures say that they are synthetic, and of whom; c2pa's own reader agrees, and notices every change."""

from __future__ import annotations

import json
import stat
import sys
from typing import TYPE_CHECKING, Any

import av
import c2pa
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from PIL import Image
from semblance.common.errors import UserError
from semblance.common.home import Home
from semblance.engine.credentials import signer
from semblance.engine.credentials.marking import mark, marked, usable_key
from semblance.engine.credentials.reading import described
from semblance.engine.credentials.statement import COMPOSITE, SYNTHETIC, statement_of
from semblance.tests.makers.avatars import avatar_of
from semblance.tests.makers.footage import plain, write_video
from semblance.tests.makers.networks import Mirror

if TYPE_CHECKING:
    from pathlib import Path

    from semblance.engine.credentials.statement import Statement

KINDS = {"film.mp4": "video/mp4", "picture.png": "image/png", "picture.jpg": "image/jpeg"}


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path / "home")


@pytest.fixture
def avatar(tmp_path) -> Path:
    path = tmp_path / "ada.safetensors"
    said: dict[str, Any] = {"source": "talk.mp4", "footage_sha256": "ab" * 32, "fallbacks": ("Hair is soft.",)}
    agreed: dict[str, Any] = {
        "consent": "I agree",
        "consent_by": "Ada",
        "consent_for": "one film",
        "consent_date": "2026-05-01",
    }
    avatar_of(Mirror(), {}, **said, **agreed).save(path)
    return path


@pytest.fixture
def driver(tmp_path) -> Path:
    return write_video(tmp_path / "driver.mp4", [plain(40), plain(90)])


@pytest.fixture
def statement(avatar, driver) -> Statement:
    return statement_of(avatar, driver)


@pytest.fixture(params=KINDS)
def picture(tmp_path, request) -> Path:
    """A film or picture that nobody has signed."""
    path = tmp_path / request.param
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    if path.suffix == ".mp4":
        return write_video(path, [noise, noise[::-1]])
    Image.fromarray(noise).save(path)
    return path


def found(path: Path) -> tuple[str, dict]:
    """What c2pa's own reader, set as it comes, thinks of a file; and its newest manifest."""
    with path.open("rb") as file, c2pa.Reader(KINDS[path.name], file) as read:
        return read.get_validation_state(), read.get_active_manifest()


def pixels(path: Path) -> np.ndarray:
    if path.suffix != ".mp4":
        return np.asarray(Image.open(path))
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def test_a_signed_file_says_how_it_was_made(picture, statement, home, driver):
    before = pixels(picture)
    mark(picture, statement, usable_key(home.credentials))
    assert np.array_equal(pixels(picture), before)
    state, manifest = found(picture)
    assert state == "Valid"
    data = {each["label"]: each["data"] for each in manifest["assertions"]}
    (action,) = data["c2pa.actions.v2"]["actions"]
    assert (action["action"], action["digitalSourceType"]) == ("c2pa.created", SYNTHETIC)
    assert manifest["claim_generator_info"][0]["name"] == "Semblance"
    (ingredient,) = manifest["ingredients"]
    assert (ingredient["title"], ingredient["relationship"]) == ("driver.mp4", "inputTo")
    said = data["semblance.provenance"]["avatar"]
    assert (said["name"], said["consent"], said["footage_sha256"]) == ("ada.safetensors", "I agree", "ab" * 32)
    words = "\n".join(described(picture, home))
    for expected in (
        "Content Credentials are valid",
        "made by Semblance itself",
        "not from a list of trust",
        "by a trained model (synthetic)\n",
        "Consent: “I agree”, stated by Ada, for one film, on 2026-05-01",
        "talk.mp4 (SHA-256 abab",
        "Note: Hair is soft.",
        "Driven by: driver.mp4 (SHA-256 ",
    ):
        assert expected in words


def test_an_edited_pixel_breaks_the_manifest(picture, statement, home):
    mark(picture, statement, usable_key(home.credentials))
    content = bytearray(picture.read_bytes())
    at = {".mp4": content.find(b"mdat") + 40, ".png": content.rfind(b"IDAT") + 60, ".jpg": len(content) - 60}
    content[at[picture.suffix]] ^= 1
    picture.write_bytes(content)
    assert found(picture)[0] == "Invalid"
    with pytest.raises(UserError, match="was changed since it was signed"):
        described(picture, home)


def test_a_picture_edited_by_another_program_carries_nothing(tmp_path, statement, home):
    path = tmp_path / "picture.png"
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(path)
    mark(path, statement, usable_key(home.credentials))
    edited = Image.open(path)
    edited.putpixel((3, 3), (255, 0, 0))
    edited.save(path)
    with pytest.raises(UserError, match="carries no Content Credentials; nothing says how it was made"):
        described(path, home)


def test_films_with_real_pictures_in_them_are_composites_and_frames_are_signed_each(tmp_path, statement, home):
    film, frames = tmp_path / "film.mp4", tmp_path / "frames"
    heard = []
    with marked({film: True, frames: False}, statement, home, listener=heard.append):
        write_video(film, [plain(40)])
        frames.mkdir()
        for name in ("000001.png", "000002.png"):
            Image.fromarray(plain(80)).save(frames / name)
    assert "together with filmed pictures" in "\n".join(described(film, home))
    for each in frames.iterdir():
        assert "by a trained model (synthetic)" in "\n".join(described(each, home))
    assert heard[-1].fraction == 1
    assert COMPOSITE in json.dumps(found(film)[1])


def test_a_mark_is_left_out_for_a_reason_that_is_kept(tmp_path, statement, home):
    film = tmp_path / "film.mp4"
    with marked({film: False}, statement, home, "goes on to be edited"):
        write_video(film, [plain(40)])
    with pytest.raises(UserError, match="left out here, because: goes on to be edited"):
        described(film, home)
    write_video(film, [plain(50)])
    with pytest.raises(UserError, match="nothing says how it was made"):
        described(film, home)


def test_what_is_signed_already_or_cannot_be_is_refused(tmp_path, picture, statement, home):
    key = usable_key(home.credentials)
    mark(picture, statement, key)
    content = picture.read_bytes()
    with pytest.raises(UserError, match="already"):
        mark(picture, statement, key)
    assert picture.read_bytes() == content
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n")
    for path in (text, broken, tmp_path / "absent.png"):
        with pytest.raises(UserError, match=path.stem):
            mark(path, statement, key)
        with pytest.raises(UserError, match=path.stem):
            described(path, home)
    assert broken.read_bytes() == b"\x89PNG\r\n\x1a\n"


def test_a_driver_that_is_no_whole_film_is_named_and_no_ingredient(tmp_path, avatar, home):
    driver = tmp_path / "driver.mp4"
    driver.write_bytes(b"nothing")
    picture = tmp_path / "picture.png"
    Image.fromarray(plain(80)).save(picture)
    mark(picture, statement_of(avatar, driver), usable_key(home.credentials))
    state, manifest = found(picture)
    assert state == "Valid"
    assert not manifest.get("ingredients")
    assert "Driven by: driver.mp4" in "\n".join(described(picture, home))


def test_an_avatar_is_read_in_words(avatar, tmp_path, home):
    words = "\n".join(described(avatar, home))
    assert "it is not signed" in words
    assert "Consent: “I agree”, stated by Ada" in words
    bare = tmp_path / "bare.safetensors"
    avatar_of(Mirror(), {}).save(bare)
    assert "Consent: none is recorded" in "\n".join(described(bare, home))


def test_strangers_words_cannot_steer_the_terminal(tmp_path, home):
    path = tmp_path / "bad.safetensors"
    avatar_of(Mirror(), {}, consent="\x1b[2Jyes\nConsent: forged" + "x" * 9000).save(path)
    (line,) = (each for each in described(path, home) if "Consent" in each)
    assert line.isprintable()
    assert len(line) < 700


def test_the_key_is_made_once_and_for_its_owner_alone(home):
    first = usable_key(home.credentials)
    assert usable_key(home.credentials) == first
    if sys.platform != "win32":
        assert stat.S_IMODE(home.credentials.stat().st_mode) == 0o600


def test_keys_that_cannot_sign_are_refused_before_anything_is_made(home, statement, tmp_path):
    made = signer.made_here()
    stranger = signer.private_pem(ed25519.Ed25519PrivateKey.generate())
    home.folder.mkdir()
    for content in (b"", b"nonsense", stranger, made[: made.find(b"-----BEGIN CERTIFICATE")]):
        home.credentials.write_bytes(content)
        with (
            pytest.raises(UserError, match=r"credentials\.pem"),
            marked({tmp_path / "film.mp4": False}, statement, home),
        ):
            pytest.fail("the body began")
    home.credentials.write_bytes(stranger + made[made.find(b"-----BEGIN CERTIFICATE") :])
    with pytest.raises(UserError, match="is of another key"):
        usable_key(home.credentials)


@pytest.mark.parametrize("kind", ["ed25519", "ps256"])
def test_artists_sign_with_keys_of_their_own(home, kind, tmp_path, statement):
    """Their issuer's name is told, and that it is no certificate of ours."""
    made = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, 2048)
    issuer = signer.ec.generate_private_key(signer.ec.SECP256R1())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signer, "LOCAL_ISSUER", "Studio Ada")
        chain = signer.certificate("signer", made.public_key(), issuer)
        chain += signer.certificate("issuer", issuer.public_key(), issuer)
    home.folder.mkdir()
    home.credentials.write_bytes(signer.private_pem(made) + chain)
    key = usable_key(home.credentials)
    assert key.algorithm == kind
    picture = tmp_path / "picture.png"
    Image.fromarray(plain(80)).save(picture)
    mark(picture, statement, key)
    (said,) = (each for each in described(picture, home) if "Signed by" in each)
    assert "Studio Ada; it is valid and not from a list of trust" in said


def test_a_certificate_for_something_else_is_refused(home, monkeypatch):
    monkeypatch.setattr(signer.ExtendedKeyUsageOID, "EMAIL_PROTECTION", signer.x509.oid.ExtendedKeyUsageOID.SERVER_AUTH)
    with pytest.raises(UserError, match="put one there that C2PA accepts"):
        usable_key(home.credentials)
