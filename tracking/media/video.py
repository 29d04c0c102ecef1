# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing frames: H.264 video with the sound of another file, or a folder of PNG files. Whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
import PIL.Image
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, Interpolation
from PIL import ImageDraw, ImageFont

from ...common.errors import UserError
from ...common.files import full_disk_told, written_whole
from ..heads.arrays import Image
from .colour import EXACT
from .sound import RATE, Sound, sound_samples
from .streams import chosen_sound

if TYPE_CHECKING:
    from pathlib import Path

    from .hearing import Hearing

QUALITY = 16
"""H.264 constant rate factor: visually lossless for portraits."""
PNG_EFFORT = 3
"""Of 9: the rest costs time and saves little."""

Write = Callable[[Image], None]
"""Takes the next frame: uint8 `[H, W, 3]` RGB, or `[H, W, 4]` with straight alpha."""
WriteAt = Callable[[Image, float], None]
"""The same, and the second at which the frame is shown."""
TICKS = 90_000
"""A second of a video whose frames have times of their own, by its clock."""


def frames_to(out: Path, fps: float, sound: Sound | None = None) -> AbstractContextManager[Write]:
    """Write frames to `out`: a video where the name ends in .mp4, a folder of PNG files where it has no suffix.

    Raises:
        UserError: the name ends otherwise, or the folder holds other things than frames.
    """
    if out.suffix.lower() == ".mp4":
        return video_to(out, fps, sound)
    if out.suffix == "":
        return pictures_to(out)
    raise UserError(f"Frames cannot be written as {out.name}; end the name in .mp4, or give a folder for PNG files.")


@contextmanager
def video_to(path: Path, fps: float, sound: Sound | None = None) -> Iterator[Write]:
    """Give a function that adds a frame to the video at `path`; alpha is laid over black.

    The video has H.264, yuv420p, BT.709, and AAC sound as long as the pictures where the sound's file has any. The
    first frame fixes the size; an odd one is made even by repeating the last row or column.

    Raises:
        UserError: no frame came, the place cannot be written, or the sound's file is damaged.
    """
    rate = Fraction(fps).limit_denominator(1001)
    with encoding(path, rate, 1 / rate, sound) as encoder:
        yield lambda frame: encoder.write(frame, encoder.frames)


@contextmanager
def timed_video_to(path: Path, fps: float, sound: Sound | Hearing | None = None) -> Iterator[WriteAt]:
    """As `video_to`, for frames with times of their own, each later than the one before; `fps` is their usual rate.

    Raises:
        UserError: as `video_to`.
    """
    with encoding(path, Fraction(fps).limit_denominator(1001), Fraction(1, TICKS), sound) as encoder:
        yield lambda frame, time: encoder.write(frame, round(time * TICKS))


@contextmanager
def pictures_to(folder: Path) -> Iterator[Write]:
    """Give a function that adds a frame to `folder` as 000001.png, 000002.png, ...

    Earlier frames in the folder are replaced when all new ones are there.

    Raises:
        UserError: the folder holds other things than frames, or the disk is full.
    """
    refuse_to_replace(folder)
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    count = 0

    def write(frame: Image) -> None:
        nonlocal count
        count += 1
        (partial / f"{count:06d}.png").write_bytes(png(frame))

    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with full_disk_told(folder):
            yield write
            shutil.rmtree(folder, ignore_errors=True)
            partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def refuse_to_replace(folder: Path) -> None:
    """Raise `UserError` unless `folder` is absent, or has nothing but frames in it."""
    if folder.is_file():
        raise UserError(f"{folder} is a file; give a folder for the frames, or a name that ends in .mp4.")
    others = (each for each in folder.glob("*") if not (each.suffix == ".png" and each.stem.isdigit()))
    if folder.is_dir() and any(others):
        raise UserError(f"The folder {folder} holds other things than frames; choose another folder.")


def write_png(path: Path, frame: Image) -> None:
    """Write one picture, `[H, W, 3]` RGB or `[H, W, 4]` RGBA, whole or not at all.

    Raises:
        UserError: the disk is full.
    """
    with written_whole(path) as partial:
        partial.write_bytes(png(frame))


def png(frame: Image) -> bytes:
    """RGB `[H, W, 3]` or RGBA `[H, W, 4]` as a PNG file."""
    order = cv2.COLOR_RGBA2BGRA if frame.shape[2] == 4 else cv2.COLOR_RGB2BGR
    _, data = cv2.imencode(".png", cv2.cvtColor(frame, order), [cv2.IMWRITE_PNG_COMPRESSION, PNG_EFFORT])
    encoded: bytes = data.tobytes()
    return encoded


def over_black(frame: Image) -> Image:
    """RGB `[H, W, 3]` of a frame; straight alpha, where it has one (`[H, W, 4]`), laid over black."""
    if frame.shape[2] == 3:
        return frame
    colour, alpha = frame[..., :3].astype(np.uint16), frame[..., 3:].astype(np.uint16)
    return ((colour * alpha + 127) // 255).astype(np.uint8)


def side_by_side(panels: Mapping[str, Image], height: int) -> Image:
    """Return one picture `[height, W, 3]` of RGB panels `[H, W, 3]` next to each other, each with its name."""
    return np.concatenate([labelled(name, scaled(panel, height)) for name, panel in panels.items()], 1)


def scaled(picture: Image, height: int) -> Image:
    """The picture `[H, W, 3]` at another height, its proportions kept."""
    width = round(picture.shape[1] * height / picture.shape[0])
    shrinks = height < picture.shape[0]
    resized: Image = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return resized


def labelled(name: str, picture: Image) -> Image:
    """The picture `[H, W, 3]` with its name small in the lower left corner."""
    image = PIL.Image.fromarray(picture)
    size = max(11, image.height // 24)
    spot = (size // 2, image.height - size // 2)
    font = ImageFont.load_default(size)
    ImageDraw.Draw(image).text(
        spot, name, (255, 255, 255), font, anchor="ls", stroke_width=max(1, size // 10), stroke_fill=(0, 0, 0)
    )
    return np.asarray(image)


# --- encoding -------------------------------------------------------------------------------------------------------


@contextmanager
def encoding(path: Path, rate: Fraction, tick: Fraction, sound: Sound | Hearing | None) -> Iterator[Encoder]:
    """Give the encoder of the video at `path`, which is there when all is done.

    Raises:
        UserError: no frame came, the place cannot be written, or the sound's file is damaged.
    """
    try:
        with written_whole(path) as partial, Encoder(partial, rate, tick, sound) as encoder:
            yield encoder
    except av.FFmpegError as error:
        raise UserError(f"The video {path} could not be written ({error.strerror}); try another place.") from error


class Encoder:
    """Encodes frames and their sound into an open mp4 file, sound keeping pace with the pictures."""

    def __init__(self, path: Path, rate: Fraction, tick: Fraction, sound: Sound | Hearing | None) -> None:
        """`rate` is the usual number of frames a second; frames are timed in ticks of `tick` seconds."""
        self.container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        self.rate, self.tick = rate, tick
        self.frames = 0
        self.video: av.VideoStream | None = None
        self.track = SoundTrack(self.container, sound) if sound and is_heard(sound) else None

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        try:
            if kind is None:
                self.finish()
        finally:
            if self.track is not None:
                self.track.close()
            self.container.close()

    def write(self, frame: Image, time: int) -> None:
        """Encode a frame, `[H, W, 3]` or `[H, W, 4]` (see `Write`), at a time in ticks, and the sound up to its end.

        Raises:
            UserError: the sound's file is damaged.
        """
        picture = even(over_black(frame))
        if self.video is None:
            self.video = self.open_video(picture.shape[1], picture.shape[0])
        encoded = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            src_colorspace=Colorspace.ITU709,
            dst_colorspace=Colorspace.ITU709,
            interpolation=Interpolation.BICUBIC | EXACT,
        )
        encoded.pts, encoded.time_base = time, self.tick
        self.container.mux(self.video.encode(encoded))
        self.frames += 1
        if self.track is not None:
            self.track.encode_until(time * self.tick + 1 / self.rate)

    def open_video(self, width: int, height: int) -> av.VideoStream:
        """Add the video stream, with tags that say how its colours are meant."""
        stream = self.container.add_stream("libx264", rate=self.rate, options={"crf": str(QUALITY)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = self.tick
        context.color_range = ColorRange.MPEG
        context.colorspace = Colorspace.ITU709
        context.color_primaries = ColorPrimaries.BT709
        context.color_trc = ColorTrc.BT709
        return stream

    def finish(self) -> None:
        """Flush what the encoders still hold.

        Raises:
            UserError: no frame came.
        """
        if self.video is None:
            raise UserError("No frame was made, so no video was written; choose a driver with frames.")
        self.container.mux(self.video.encode(None))
        if self.track is not None:
            self.track.flush()


class SoundTrack:
    """The sound of a file, encoded again from a given moment on, or what is heard now."""

    def __init__(self, container: av.container.OutputContainer, sound: Sound | Hearing) -> None:
        self.container = container
        self.stream = container.add_stream("aac", rate=RATE, layout="stereo", bit_rate=160_000)
        self.name = str(sound.path) if isinstance(sound, Sound) else sound.name
        self.chunks = sound_samples(sound) if isinstance(sound, Sound) else sound.samples()
        self.waiting = np.zeros((2, 0), np.float32)
        self.written = 0

    def encode_until(self, time: Fraction) -> None:
        """Encode what sounds before `time` seconds.

        Raises:
            UserError: the sound's file is damaged.
        """
        wanted = round(time * RATE) - self.written
        try:
            while self.waiting.shape[1] < wanted and (chunk := next(self.chunks, None)) is not None:
                self.waiting = np.concatenate([self.waiting, chunk], 1)
        except av.FFmpegError as error:
            raise UserError(f"The sound of {self.name} is damaged; copy the file again or re-encode it.") from error
        samples, self.waiting = self.waiting[:, :wanted], self.waiting[:, wanted:]
        if samples.shape[1] > 0:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), "fltp", "stereo")
            frame.sample_rate, frame.pts, frame.time_base = RATE, self.written, Fraction(1, RATE)
            self.container.mux(self.stream.encode(frame))
            self.written += samples.shape[1]

    def flush(self) -> None:
        """Encode what the encoder still holds."""
        self.container.mux(self.stream.encode(None))

    def close(self) -> None:
        """Stop reading the sound's file."""
        self.chunks.close()


def is_heard(sound: Sound | Hearing) -> bool:
    """Tell whether there is anything to hear: a file may have no sound."""
    return not isinstance(sound, Sound) or chosen_sound(sound.path) is not None


def even(picture: Image) -> Image:
    """The picture `[H, W, 3]` with even sides, which yuv420p needs: the last row or column is repeated for it."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    return np.ascontiguousarray(picture)
